import { expect, it } from "vitest";
import { tallyOf } from "../../scripts/verify.ts";

const good = { success: true, numPassedTests: 5, numFailedTests: 0, numPendingTests: 1 };

it("counts what vitest counted", () => {
  expect(tallyOf(good, 0)).toEqual({ passed: 5, failed: 0, skipped: 1 });
  expect(tallyOf({ ...good, success: false, numFailedTests: 2 }, 1)).toEqual({ passed: 5, failed: 2, skipped: 1 });
});

it("counts a run that fails without a failed test as one failure", () => {
  expect(tallyOf({ ...good, success: false }, 1).failed).toBe(1);
  expect(tallyOf(good, 1).failed).toBe(1);
  expect(tallyOf({ ...good, success: false }, 0).failed).toBe(1);
});

it("counts a run without a report, or one that was killed, as one failure", () => {
  expect(tallyOf(undefined, 0)).toEqual({ passed: 0, failed: 1, skipped: 0 });
  expect(tallyOf(good, null).failed).toBe(1);
});
