import { describe, expect, test } from "vitest";
import { PHASES } from "../../src/model/phase.ts";
import { phasesOf, place, provesHarmless } from "./chains.ts";
import { REFUSED } from "./guests/refused.ts";

const placed = place(REFUSED, 1);

test("a refusal is tried in every phase", () => {
  for (const phases of phasesOf(placed).values()) expect([...phases].sort()).toEqual([...PHASES].sort());
});

describe.each(placed)("$guest.name", ({ guest, phases }) => {
  test.each(phases)("is refused, blocks at %s with the reason, and replays", (phase) => provesHarmless(guest, phase));
});
