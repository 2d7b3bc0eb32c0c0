import type { Change } from "../../runtime/changes.ts";
import type { painter } from "../output.ts";
import { type Content, deltasOf } from "./delta.ts";
import { counted } from "./hunks.ts";
import { compared } from "./show.ts";
import { pathText } from "./state.ts";

/** What a change comes to in numbers. `binary` also stands for what is too large to be compared. */
export interface Counts {
  readonly change: Change;
  readonly added: number;
  readonly removed: number;
  readonly binary: boolean;
}

export function countsOf(change: Change, content: Content): Counts {
  let counts = { added: 0, removed: 0, binary: false };
  for (const delta of deltasOf(change, content)) {
    const found = compared(delta);
    if (found.kind !== "text") counts = { ...counts, binary: true };
    else {
      const { added, removed } = counted(found.parts);
      counts = { ...counts, added: counts.added + added, removed: counts.removed + removed };
    }
  }
  return { change, ...counts };
}

/** The least room that bars get. */
const BARS = 10;
/** ` name | …` and a free column at the end, where terminals wrap. */
const FRAME = 5;

/** Names, counts and bars within `width` columns, and a line with the total, as `git diff --stat`. */
export function statText(all: readonly Counts[], width: number, paint: ReturnType<typeof painter>): string {
  const rows = all.map((counts) => ({ ...counts, name: pathText(counts.change), count: countText(counts) }));
  const numbers = longest(rows.filter(({ binary }) => !binary).map(({ count }) => count));
  const words = longest(rows.filter(({ binary }) => binary).map(({ count }) => count));
  const least = Math.max(numbers + 1 + BARS, words);
  const names = Math.min(longest(rows.map(({ name }) => name)), Math.max(BARS, width - least - FRAME));
  const bars = Math.max(BARS, width - names - numbers - 1 - FRAME);
  const most = rows.reduce((max, { added, removed }) => Math.max(max, added + removed), 1);
  const scale = Math.min(1, bars / most);
  const lines = rows.map(({ name, count, added, removed, binary, change }) => {
    const bar = paint("+".repeat(barOf(added, scale)), "good") + paint("-".repeat(barOf(removed, scale)), "bad");
    const mark = change.conflict === undefined ? "" : paint(" conflict", "warn");
    return (
      ` ${shortened(name, names).padEnd(names)} | ${binary ? count : count.padStart(numbers)} ${bar}`.trimEnd() + mark
    );
  });
  return [...lines, totalText(all)].join("\n");
}

function countText({ change, added, removed, binary }: Counts): string {
  if (!binary) return String(added + removed);
  const size = (state: Change["before"]) => (state.kind === "file" ? state.size : 0);
  return `Bin ${size(change.before)} -> ${size(change.after)} bytes`;
}

/** What there is at all is seen. */
function barOf(count: number, scale: number): number {
  return count === 0 ? 0 : Math.max(1, Math.floor(count * scale));
}

function longest(texts: readonly string[]): number {
  return texts.reduce((most, { length }) => Math.max(most, length), 0);
}

/** The end of a path says more than its beginning. */
function shortened(name: string, width: number): string {
  return name.length <= width ? name : `...${name.slice(name.length - width + 3)}`;
}

function totalText(all: readonly Counts[]): string {
  const sum = (field: "added" | "removed") => all.reduce((total, counts) => total + counts[field], 0);
  const conflicts = all.filter(({ change }) => change.conflict !== undefined).length;
  const parts = [
    `${plural(all.length, "path")} changed`,
    `${plural(sum("added"), "insertion")}(+)`,
    `${plural(sum("removed"), "deletion")}(-)`,
    ...(conflicts === 0 ? [] : [plural(conflicts, "conflict")]),
  ];
  return ` ${parts.join(", ")}`;
}

export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
