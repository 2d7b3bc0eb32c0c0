import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { EXIT, type ExitCode, InputError } from "../../model/errors.ts";
import { type Change, type RunChanges, readChanges } from "../../runtime/changes.ts";
import type { Call } from "../command.ts";
import { environment } from "../environment.ts";
import { jsonLine, visible } from "../visible.ts";
import { deltasOf } from "./delta.ts";
import { nothingText } from "./diff.ts";
import { patchOf } from "./patch.ts";
import { contentOf, PATCH_BYTES } from "./sides.ts";
import { plural } from "./stat.ts";
import { pathText } from "./state.ts";

interface Options {
  readonly patch: string | true;
  readonly only?: readonly string[];
  readonly workspace?: string;
}

export async function exportPatch({ args: [run = ""], options, json, out }: Call<Options>): Promise<ExitCode> {
  const { only, workspace, patch } = options;
  const changes = await readChanges({ run, only, workspace }, environment());
  try {
    const left = changes.changes.flatMap((change) => leftOut(change, changes.changes));
    const refused = changes.changes.flatMap((change) => {
      const reason = changes.hindrance(change);
      return reason === undefined ? [] : [{ path: pathText(change), reason }];
    });
    const bytes = wholePatch(changes);
    const file = patch === true ? undefined : resolve(patch);
    if (file !== undefined) await write(file, bytes);
    if (json) {
      const inline = file === undefined ? { patch: bytes.toString("base64") } : {};
      out.data(
        jsonLine({
          run,
          workspace: changes.workspace,
          file: file ?? null,
          bytes: bytes.length,
          ...inline,
          left,
          refused,
        }),
      );
      return EXIT.ok;
    }
    if (file === undefined) out.bytes(bytes);
    if (changes.changes.length === 0) out.talk(nothingText(changes));
    for (const { path, reason } of left) out.talk(visible(`not in the patch: ${path}: ${reason}`));
    for (const { path, reason } of refused)
      out.talk(visible(`in the patch, though a commit would refuse it: ${path}: ${reason}`));
    if (file !== undefined)
      out.talk(visible(`${plural(changes.changes.length - left.length, "change")} written to ${file}`));
    return EXIT.ok;
  } finally {
    changes.close();
  }
}

/** All of it is made before any of it is written, so that a patch is whole or not there. */
function wholePatch(changes: RunChanges): Buffer {
  return Buffer.concat(
    changes.changes.flatMap((change) => deltasOf(change, contentOf(changes, change, PATCH_BYTES)).map(patchOf)),
  );
}

/** A patch knows no directories: those that hold files come and go with them, the empty ones are left out. */
function leftOut(
  change: Change,
  all: readonly Change[],
): readonly { readonly path: string; readonly reason: string }[] {
  const { path, before, after } = change;
  const name = pathText(change);
  if (before.kind === "other" || after.kind === "other") return [{ path: name, reason: "it cannot be compared" }];
  const replaced = before.kind !== "directory" && before.kind !== "nothing";
  if (replaced || (after.kind !== "directory" && after.kind !== "nothing")) return [];
  const side = after.kind === "directory" ? "after" : "before";
  const held = all.some((other) => other.path.startsWith(`${path}/`) && isContent(other[side].kind));
  return held ? [] : [{ path: name, reason: "a patch holds no empty directories" }];
}

function isContent(kind: Change["after"]["kind"]): boolean {
  return kind === "file" || kind === "link";
}

async function write(file: string, bytes: Uint8Array): Promise<void> {
  try {
    await writeFile(file, bytes);
  } catch (cause) {
    const why = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
    throw new InputError({
      code: "not-writable",
      message: `the patch cannot be written to \`${file}\`: ${why}`,
      cause,
    });
  }
}
