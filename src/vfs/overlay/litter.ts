import { unlinkSync } from "node:fs";
import { formatPath, parsePath } from "../path.ts";
import { descend, look } from "../walk.ts";
import { orAbsent, type Places } from "./layer.ts";
import { readNote, removeNote, writeNote } from "./note.ts";
import type { Change } from "./overlay.ts";

const FILE = "commit.json";
/** What a commit calls a file or link of the workspace that is not whole yet. One at a time is there. */
export const TEMPORARY = ".pinion-commit";

/** Notes, before the workspace is touched, in which directories a crash could leave a temporary file. */
export async function beginCommit({ folder }: Places, changes: readonly Change[]): Promise<void> {
  const above = new Set(changes.map(({ path }) => formatPath(parsePath(path).slice(0, -1))));
  await writeNote(folder, FILE, [...above]);
}

/** Removes what a commit, which may have been cut short, left behind in the workspace. */
export async function endCommit({ folder, base }: Places): Promise<void> {
  const paths = readNote(folder, FILE);
  if (paths === undefined) return;
  for (const path of Array.isArray(paths) ? paths : []) {
    using directory = orAbsent(() => descend(base.fd, parsePath(String(path))));
    if (directory === undefined || look(directory, TEMPORARY) === undefined) continue;
    unlinkSync(directory.at(TEMPORARY));
  }
  await removeNote(folder, FILE);
}
