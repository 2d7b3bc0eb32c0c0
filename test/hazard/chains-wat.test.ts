import { describe, expect, test } from "vitest";
import { PHASES } from "../../src/model/phase.ts";
import { phasesOf, place, provesHarmless } from "./chains.ts";
import { WAT_GUESTS } from "./guests/wat-hostile.ts";

const placed = place(WAT_GUESTS, 1);

test("every class of cause is tried in every phase", () => {
  for (const phases of phasesOf(placed).values()) expect([...phases].sort()).toEqual([...PHASES].sort());
});

describe.each(placed)("$guest.name", ({ guest, phases }) => {
  test.each(phases)("blocks at %s, is named, and replays", (phase) => provesHarmless(guest, phase));
});
