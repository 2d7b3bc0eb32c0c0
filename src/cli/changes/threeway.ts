import type { painter } from "../output.ts";
import type { Tone } from "../timeline/line.ts";
import { isBinary, type Lines, linesOf } from "./lines.ts";
import { merged, type Stretch } from "./merge.ts";
import { shownLine } from "./text.ts";

/** Lines around what differs, and lines of a view in all. */
const CONTEXT = 2;
const LINES = 200;

type Paint = ReturnType<typeof painter>;

/** The three texts of a conflict; undefined where one is no text, too large, or no longer known. */
export interface Sides {
  readonly base: Uint8Array | undefined;
  readonly run: Uint8Array | undefined;
  readonly now: Uint8Array | undefined;
}

/**
 * How the run's text and the workspace's part from what was there before: each line led by whose it is, so that nothing in a
 * file can pass for a mark of this view. Undefined where there are no three texts.
 */
export function threeWay({ base, run, now }: Sides, paint: Paint): string | undefined {
  if (base === undefined || run === undefined || now === undefined) return undefined;
  if ([base, run, now].some(isBinary)) return undefined;
  const stretches = merged(linesOf(base), linesOf(run), linesOf(now));
  const lines = stretches.flatMap((stretch, index) => linesOfStretch(stretch, edge(stretches, index), paint));
  const conflicts = stretches.filter(({ kind }) => kind === "conflict").length;
  const verdict =
    conflicts === 0
      ? "the two changes do not touch each other and can be joined by hand"
      : `${conflicts === 1 ? "one place" : `${conflicts} places`} changed by both`;
  const shown = lines.slice(0, LINES);
  if (shown.length < lines.length) shown.push(paint(`… ${lines.length - shown.length} more lines`, "dim"));
  return [paint(verdict, "dim"), ...shown].join("\n");
}

interface Edge {
  readonly first: boolean;
  readonly last: boolean;
}
const edge = (all: readonly Stretch[], index: number): Edge => ({ first: index === 0, last: index === all.length - 1 });

function linesOfStretch(stretch: Stretch, { first, last }: Edge, paint: Paint): readonly string[] {
  const { kind, at, base, run, now } = stretch;
  if (kind === "same") return context(base, { first, last }, paint);
  const place = `line ${at + 1}`;
  const old = labelled("before", base, "dim", paint);
  switch (kind) {
    case "run":
      return [paint(`@ ${place}: changed by the run`, "accent"), ...old, ...labelled("run", run, "good", paint)];
    case "now":
      return [paint(`@ ${place}: changed in the workspace`, "accent"), ...old, ...labelled("now", now, "good", paint)];
    case "both":
      return [paint(`@ ${place}: changed by both alike`, "accent"), ...old, ...labelled("both", run, "good", paint)];
    case "conflict":
      return [
        paint(`@ ${place}: conflict`, "warn"),
        ...old,
        ...labelled("run", run, "warn", paint),
        ...labelled("now", now, "warn", paint),
      ];
  }
}

function context(lines: Lines, { first, last }: Edge, paint: Paint): readonly string[] {
  const head = first ? 0 : Math.min(CONTEXT, lines.length);
  const tail = last ? lines.length : Math.max(head, lines.length - CONTEXT);
  return labelled("", [...lines.slice(0, head), ...lines.slice(tail)], "plain", paint);
}

/** A side without lines says so. */
function labelled(label: string, lines: Lines, tone: Tone, paint: Paint): readonly string[] {
  const gutter = `  ${label.padEnd(6)} │ `;
  if (lines.length === 0) return label === "" ? [] : [paint(`${gutter.trimEnd()} (nothing)`, tone)];
  return lines.map((line) => {
    const whole = line.endsWith("\n");
    const text = shownLine(whole ? line.slice(0, -1) : line);
    return paint(whole ? (gutter + text).replace(/│ $/, "│") : `${gutter}${text}  (no line feed)`, tone);
  });
}
