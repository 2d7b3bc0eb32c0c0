import type { TimelineLine, Tone } from "./timeline/line.ts";

/** A line of the timeline as text: steps stand out, what belongs to them is indented. */
export function plainLine(line: TimelineLine, paint: (text: string, tone: Tone) => string): string {
  if (line.mark === "") return `\n${paint(line.text, line.tone)}`;
  return paint(`  ${line.mark} ${line.text}`, line.tone);
}
