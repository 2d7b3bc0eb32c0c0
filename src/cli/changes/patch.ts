import { InputError } from "../../model/errors.ts";
import { literalOf } from "./binary.ts";
import { type Blob, type Delta, headOf, namesOf } from "./delta.ts";
import { hunksOf } from "./hunks.ts";
import { isBinary, linesOf, partsOf } from "./lines.ts";
import { gitName, shownName } from "./names.ts";

/**
 * A delta as `git apply` takes it, and for texts `patch -p1`: names and bytes exactly as they are, ids in full. Throws
 * `InputError` where bytes that the patch needs are not known.
 */
export function patchOf(delta: Delta): Uint8Array {
  const { old, now, path } = delta;
  const before = known(old, path);
  const after = known(now, path);
  const body = bodyOf(delta, before, after);
  return Buffer.from([...headOf(delta, gitName, 40), ...body].map((line) => `${line}\n`).join(""), "latin1");
}

function bodyOf(delta: Delta, before: Uint8Array, after: Uint8Array): readonly string[] {
  if (Buffer.compare(before, after) === 0) return [];
  if (isBinary(before) || isBinary(after)) return ["GIT binary patch", ...literalOf(after), ...literalOf(before)];
  const hunks = hunksOf(partsOf(linesOf(before), linesOf(after)));
  return [...namesOf(delta, gitName), ...hunks.flatMap(({ header, lines }) => [header, ...lines])];
}

function known(blob: Blob | undefined, path: string): Uint8Array {
  if (blob === undefined) return new Uint8Array();
  if (blob.bytes !== undefined) return blob.bytes;
  throw new InputError({
    code: "content-unknown",
    message: `\`${shownName(path)}\` cannot be written into a patch: its ${blob.size} bytes are too many, or what was there before the run is no longer kept`,
    hint: "take it over with `pinion run commit`, and leave it out of the patch by naming the others with `--only`",
  });
}
