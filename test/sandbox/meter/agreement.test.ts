import fc from "fast-check";
import { expect, test } from "vitest";
import { checkModule } from "../../../src/sandbox/inspect/module.ts";
import { meterModule } from "../../../src/sandbox/meter/meter.ts";
import { MAX_FUEL, METER, METER_GLOBALS } from "../../../src/sandbox/wasm/metering.ts";
import { runs, seed } from "../../support/property.ts";
import { fuzzerModule } from "./binaryen.ts";
import { type Count, type Counted, countSteps } from "./count.ts";
import { wasm } from "./engine.ts";
import { execute, type Step } from "./execute.ts";
import { type Metered, meterSteps } from "./gauged.ts";
import { generateModule } from "./generate.ts";
import { type Interface, interfaceOf } from "./interface.ts";
import { naiveModule } from "./naive.ts";
import { Random } from "./random.ts";

test("agrees with a count of one instruction at a time on modules with everything that WebAssembly 2.0 has", () => {
  fc.assert(
    fc.property(fc.nat(0xffff_ffff), fc.integer({ min: 1, max: 120 }), (own, size) => {
      agree(generateModule(own, size), own);
    }),
    { seed, numRuns: runs(60, 1000) },
  );
});

test("agrees with it on modules that somebody else's fuzzer made", async () => {
  await fc.assert(
    fc.asyncProperty(fc.noShrink(fc.nat(0xffff_ffff)), async (own) => {
      agree(await fuzzerModule(own), own);
    }),
    { seed, numRuns: runs(10, 200) },
  );
});

/** The meter changes nothing that can be seen, and takes as much fuel as the naive count says. */
function agree(bytes: Uint8Array, own: number): void {
  checkModule(bytes, 0);
  const face = interfaceOf(bytes);
  const naive = naiveModule(bytes);
  const counted = countSteps(naive, face, own);
  sameUntilNaN(bytes, face, own, counted);

  const metered = meterModule(bytes);
  sameInterface(bytes, metered);
  const full = meterSteps(metered, face, own, MAX_FUEL);
  expect(full.map(visible)).toEqual(counted.map(visible));
  full.forEach((step, index) => {
    sameCost(step, counted[index]);
  });
  expect(meterSteps(metered, face, own, MAX_FUEL)).toEqual(full);

  const most = Math.max(...full.map(({ used }) => used));
  const limit = new Random(own).below(Math.min(most, 2 ** 31) + 2);
  const limited = meterSteps(metered, face, own, limit);
  expect(meterSteps(metered, face, own, limit)).toEqual(limited);
  limited.forEach((step, index) => {
    const count = counted[index]?.count;
    if (!count) throw new Error("with less fuel it went on for longer");
    sameUpToLimit({ step, full: full[index], limit, count, straight: naive.straight });
  });
}

/** The counting code itself changes nothing either, as long as no NaN had bits that the engine chose. */
function sameUntilNaN(bytes: Uint8Array, face: Interface, own: number, counted: readonly Counted[]): void {
  const original = [...execute({ bytes, face, seed: own, extra: {} })];
  const first = counted.findIndex(({ count }) => count.nan);
  const until = first < 0 ? counted.length : first;
  expect(counted.slice(0, until).map(visible)).toEqual(original.slice(0, until).map(visible));
}

/** When the instantiation trapped, only the counting code has an instance to look at. */
function visible({ step }: { readonly step: Step }): Step {
  return step.call === "instantiation" && step.trapped ? { ...step, state: [] } : step;
}

function sameInterface(bytes: Uint8Array, metered: Uint8Array): void {
  const before = new wasm.Module(bytes);
  const after = new wasm.Module(metered);
  expect(wasm.Module.exports(after)).toEqual(wasm.Module.exports(before));
  const imports = wasm.Module.imports(after);
  expect(imports.filter(({ module }) => module !== METER)).toEqual(wasm.Module.imports(before));
  const own = imports.filter(({ module }) => module === METER);
  expect(own.map(({ name }) => name).sort()).toEqual([...METER_GLOBALS].sort());
}

function sameCost({ step, used, depth, failure }: Metered, counted: Counted | undefined): void {
  if (!counted) throw new Error("the metered module went on where the counted one had stopped");
  const { count, mark, rest } = counted.count;
  const where = `${step.call} = ${step.outcome}`;
  expect(failure, where).toBeUndefined();
  if (step.trapped) {
    expect(used, where).toBeGreaterThanOrEqual(mark);
    expect(used, where).toBeLessThanOrEqual(count + rest);
  } else {
    expect(used, where).toBe(count);
    expect(depth, where).toBe(0);
  }
}

interface Limited {
  readonly step: Metered;
  readonly full: Metered | undefined;
  readonly count: Count;
  readonly limit: number;
  readonly straight: number;
}

/**
 * With less fuel, each step is as it was with plenty, or the first that costs more than there is stops: no loop goes on, and no
 * function that calls or loops begins, but those that are open may come to their ends.
 */
function sameUpToLimit({ step, full, count, limit, straight }: Limited): void {
  // What a trap leaves out of the account may still have been more than there was.
  const most = full?.step.trapped ? count.count + count.rest : full?.used;
  if (most === undefined || most <= limit || (full?.step.trapped && !step.failure)) {
    expect(step).toEqual(full);
    return;
  }
  expect(step.failure).toBe(`\`fuel\`: allowed ${limit}, used ${step.used}`);
  expect(step.used).toBeGreaterThan(limit);
  expect(step.used).toBeLessThanOrEqual(limit + count.frames * straight + count.dynamic);
  expect(full?.step.log.slice(0, step.step.log.length)).toEqual(step.step.log);
}
