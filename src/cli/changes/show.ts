import type { Change } from "../../runtime/changes.ts";
import type { painter } from "../output.ts";
import { type Blob, type Content, type Delta, deltasOf, headOf, namesOf } from "./delta.ts";
import { counted, hunksOf } from "./hunks.ts";
import { isBinary, linesOf, type Part, partsOf } from "./lines.ts";
import { shownName } from "./names.ts";
import { pathText, stateText } from "./state.ts";
import { shownLine, shownSize } from "./text.ts";

/** Lines of one file, and of all, that are shown. */
const FILE_LINES = 2_000;
const LINES = 50_000;

type Paint = ReturnType<typeof painter>;

/** What a delta comes to: the lines that differ, or why there are none to show. */
export type Compared =
  | { readonly kind: "text"; readonly parts: readonly Part[] }
  | { readonly kind: "binary" }
  /** Too large, or no longer known. */
  | { readonly kind: "unknown" };

export function compared({ old, now }: Delta): Compared {
  const [before, after] = [bytesOf(old), bytesOf(now)];
  if (before === undefined || after === undefined) return { kind: "unknown" };
  if (isBinary(before) || isBinary(after)) return { kind: "binary" };
  return { kind: "text", parts: partsOf(linesOf(before), linesOf(after)) };
}

function bytesOf(blob: Blob | undefined): Uint8Array | undefined {
  return blob === undefined ? new Uint8Array() : blob.bytes;
}

/**
 * Shows changes as unified diffs, one at a time. Every line of content begins with a sign, so that a line which begins with
 * `diff --git` is always a header; what a terminal would act on is made visible. Of long files, and of very many, the rest is
 * counted.
 */
export function diffView(paint: Paint): (change: Change, content: Content) => string {
  let room = LINES;
  return (change, content) => {
    const deltas = deltasOf(change, content);
    const note = conflictNote(change, paint);
    if (deltas.length === 0) return [directoryLine(change, paint), ...note].join("\n");
    return deltas
      .flatMap((delta, index) => {
        const body = bodyOf(delta, Math.min(room, FILE_LINES), paint);
        room -= Math.min(room, body.length);
        return [...headOf(delta, shownName, 7).map(strong(paint)), ...(index === 0 ? note : []), ...body];
      })
      .join("\n");
  };
}

const strong = (paint: Paint) => (line: string) => paint(line, "strong");

function conflictNote({ conflict }: Change, paint: Paint): readonly string[] {
  if (conflict === undefined) return [];
  return [paint(`conflict: the workspace has changed this file since; it holds ${stateText(conflict)}`, "warn")];
}

/** Git keeps no directories, and so has no words for them. */
function directoryLine(change: Change, paint: Paint): string {
  const what = change.before.kind === "directory" ? "deleted directory" : "new directory";
  return paint(`${change.after.kind === "other" ? "changed" : what} ${pathText(change)}`, "strong");
}

function bodyOf(delta: Delta, room: number, paint: Paint): readonly string[] {
  const found = compared(delta);
  if (found.kind !== "text") {
    const sizes = [delta.old, delta.now].map((blob) => (blob === undefined ? "nothing" : shownSize(blob.size)));
    return [paint(`${found.kind === "binary" ? "binary" : "too large to be shown"}, ${sizes.join(" → ")}`, "dim")];
  }
  const hunks = hunksOf(found.parts);
  if (hunks.length === 0) return [];
  const lines = hunks.flatMap(({ header, lines: content }) => [
    paint(header, "accent"),
    ...content.slice(0, room + 1).map((line) => contentLine(line, paint)),
  ]);
  const names = namesOf(delta, shownName).map(strong(paint));
  if (lines.length <= room) return [...names, ...lines];
  const { added, removed } = counted(found.parts);
  const rest = `… left out: the diff of this file is longer; in all it has ${removed} lines less and ${added} more`;
  return [...names, ...lines.slice(0, room), paint(rest, "dim")];
}

function contentLine(line: string, paint: Paint): string {
  const sign = line.slice(0, 1);
  const text = sign === "\\" ? line : sign + shownLine(line.slice(1));
  return paint(text, sign === "+" ? "good" : sign === "-" ? "bad" : sign === "\\" ? "dim" : "plain");
}
