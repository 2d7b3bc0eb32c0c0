import { member, quote, replaced, text } from "./json";
import { allow, Phase, transform, Verdict } from "./pinion";

let note: string = "";

/** Reads the configuration, JSON that fits the manifest's schema. An error, or "" for none. */
export function configure(config: string): string {
  note = text(member(config, "note"));
  return "";
}

/** Answers a boundary: adds the note to the goal of the run. */
export function handle(_phase: Phase, payload: string): Verdict {
  const goal = text(member(payload, "goal"));
  // A payload may come by more than once: what is done already is left alone.
  if (goal.endsWith(note)) return allow("the note is there");
  return transform(replaced(payload, "goal", quote(goal + "\n" + note)), "added the note");
}
