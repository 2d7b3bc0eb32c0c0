import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Random } from "../sandbox/meter/random.ts";
import { KillDriver } from "../support/kills.ts";
import { Lab } from "../support/lab.ts";
import { runs, seed } from "../support/property.ts";

let lab: Lab;
beforeEach(async () => {
  lab = await Lab.open();
});
afterEach(() => lab.close());

describe("N4 L1 L9 runs whose processes are killed at random", () => {
  it("are resumed to their end with every entry kept, no effect doubled and none lost", {
    timeout: runs(180_000, 7_200_000),
  }, async () => {
    const driver = await KillDriver.prepare(lab, new Random(seed));
    while (driver.kills < runs(20, 2000)) await driver.run();
    for (const kills of Object.values(driver.victims)) expect(kills).toBeGreaterThan(runs(-1, 0));
  });
});
