import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Random } from "../sandbox/meter/random.ts";
import { KillDriver } from "../support/kills.ts";
import { Lab } from "../support/lab.ts";
import { runs, seed } from "../support/property.ts";

let labs: readonly Lab[];
beforeEach(async () => {
  labs = [await Lab.open(), await Lab.open()];
});
afterEach(async () => {
  for (const lab of labs) await lab.close();
});

describe("N4 L1 L9 runs whose processes are killed at random", () => {
  it("are resumed to their end with every entry kept, no effect doubled and none lost", {
    timeout: runs(180_000, 7_200_000),
  }, async () => {
    // Much of the time a process waits for another one: two at once.
    const drivers = await Promise.all(labs.map((lab, i) => KillDriver.prepare(lab, new Random(seed + i))));
    await Promise.all(
      drivers.map(async (driver) => {
        while (driver.kills < runs(6, 1000)) await driver.run();
      }),
    );
    const killed = (victim: keyof KillDriver["victims"]) =>
      drivers.reduce((sum, { victims }) => sum + victims[victim], 0);
    expect(killed("pinion")).toBeGreaterThan(0);
    expect(killed("hook host")).toBeGreaterThan(runs(-1, 0));
    expect(killed("tool")).toBeGreaterThan(runs(-1, 0));
  });
});
