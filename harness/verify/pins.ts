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

/** Whether the hooks that were trusted bear the signatures of those whom the header names. */
export function checkSignatures({ signatures, made, why }: Evidence): CheckResult {
  const found = new Findings("signatures");
  for (const { hook, refused, key, known } of signatures) {
    if (refused !== undefined) found.fail(`hook \`${hook}\`: ${refused}`);
    else found.note(`hook \`${hook}\` is signed by \`${key}\`; ${known}`);
  }
  const said = signatures.length === 0 ? "no hook was trusted" : `${signatures.length} hooks were trusted`;
  return found.result(said, made === undefined ? `no signature was looked at: ${why}` : undefined);
}
