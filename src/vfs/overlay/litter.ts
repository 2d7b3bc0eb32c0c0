import { unlinkSync } from "node:fs";
import { formatPath, parsePath } from "../path.ts";
import { descend, look } from "../walk.ts";
import { orAbsent, type Places } from "./layer.ts";
import { readNote, removeNote, writeNote } from "./note.ts";
import type { Change } from "./overlay.ts";

const FILE = "commit.json";
/** How many changes are applied at a time. */
export const TOGETHER = 32;

/** What a commit calls a file or link of the workspace that is not whole yet: `index` is below `TOGETHER`. */
export function temporaryName(index: number): string {
  return `.pinion-commit-${index}`;
}

export function isTemporary(name: string): boolean {
  return /^\.pinion-commit-\d+$/.test(name);
}

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
    for (let index = 0; directory !== undefined && index < TOGETHER; index++) {
      const name = temporaryName(index);
      if (look(directory, name) !== undefined) unlinkSync(directory.at(name));
    }
  }
  await removeNote(folder, FILE);
}
