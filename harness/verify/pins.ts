import type { Evidence } from "../../src/index.ts";
import { type CheckResult, Findings } from "./check.ts";

/** Whether every artifact that the header pins is to be had with those bytes, and is what the header says. */
export function checkPins({ pins, contradictions, made, why }: Evidence): CheckResult {
  const found = new Findings("pins");
  for (const { kind, name, version, state, message } of pins) {
    if (state === "changed") found.fail(`${kind} \`${name}@${version}\`: ${message}`);
    if (state === "missing") found.note(`${kind} \`${name}@${version}\`: ${message}`);
  }
  for (const contradiction of contradictions) found.fail(contradiction);
  const here = pins.filter(({ state }) => state === "here").length;
  return found.result(
    `${here} artifacts have the bytes that are pinned, and the header says what they say`,
    made === undefined ? why : undefined,
  );
}
