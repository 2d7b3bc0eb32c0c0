import { randomInt } from "node:crypto";

/** Draws the seed of this test run once, for every worker, and prints it: `PINION_SEED=<seed>` repeats the run. */
export function setup(): void {
  process.env.PINION_SEED ??= String(randomInt(2 ** 31));
  process.stderr.write(`property tests: PINION_SEED=${process.env.PINION_SEED}\n`);
}
