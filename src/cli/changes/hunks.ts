import type { Lines, Part } from "./lines.ts";

/** A hunk of a unified diff. Lines carry their sign and no line feed; what says that a last line has none is a line of its own. */
export interface Hunk {
  readonly header: string;
  readonly lines: readonly string[];
}

export const NO_NEWLINE = "\\ No newline at end of file";

/** The unified form of a diff, with `context` lines around each change, as git and patch(1) read it. */
export function hunksOf(parts: readonly Part[], context = 3): readonly Hunk[] {
  const hunks: Hunk[] = [];
  let open: Open | undefined;
  let at = { old: 0, now: 0 };
  for (const [index, part] of parts.entries()) {
    if (part.same) {
      const last = index === parts.length - 1;
      if (open !== undefined && !last && part.old.length <= 2 * context) open.parts.push(part);
      else if (open !== undefined) {
        open.parts.push(cut(part, 0, context));
        hunks.push(closed(open));
        open = undefined;
      }
    } else {
      open ??= opened(parts[index - 1], at, context);
      open.parts.push(part);
    }
    at = { old: at.old + part.old.length, now: at.now + part.now.length };
  }
  return open === undefined ? hunks : [...hunks, closed(open)];
}

/** Lines taken away and added. */
export function counted(parts: readonly Part[]): { readonly added: number; readonly removed: number } {
  const changed = parts.filter((part) => !part.same);
  const total = (side: "old" | "now") => changed.reduce((sum, part) => sum + part[side].length, 0);
  return { added: total("now"), removed: total("old") };
}

interface Open {
  /** Lines before the hunk. */
  readonly old: number;
  readonly now: number;
  readonly parts: Part[];
}

function opened(before: Part | undefined, at: { readonly old: number; readonly now: number }, context: number): Open {
  if (before === undefined) return { ...at, parts: [] };
  const lead = cut(before, Math.max(0, before.old.length - context), before.old.length);
  return { old: at.old - lead.old.length, now: at.now - lead.now.length, parts: [lead] };
}

function cut(part: Part, start: number, end: number): Part {
  return { ...part, old: part.old.slice(start, end), now: part.now.slice(start, end) };
}

function closed({ old, now, parts }: Open): Hunk {
  const count = (side: "old" | "now") => parts.reduce((sum, part) => sum + part[side].length, 0);
  const lines = parts.flatMap((part) =>
    part.same ? signed(" ", part.old) : [...signed("-", part.old), ...signed("+", part.now)],
  );
  return { header: `@@ -${range(old, count("old"))} +${range(now, count("now"))} @@`, lines };
}

/** A range without lines is named by the line before it. */
function range(before: number, count: number): string {
  return `${count === 0 ? before : before + 1}${count === 1 ? "" : `,${count}`}`;
}

function signed(sign: string, lines: Lines): readonly string[] {
  return lines.flatMap((line) => (line.endsWith("\n") ? [sign + line.slice(0, -1)] : [sign + line, NO_NEWLINE]));
}
