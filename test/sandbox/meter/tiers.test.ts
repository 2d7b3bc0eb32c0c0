import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { parse } from "@bytecodealliance/jco-transpile/wasm-tools";
import { afterAll, beforeAll, expect, test } from "vitest";
import { meterModule } from "../../../src/sandbox/meter/meter.ts";
import { STACK_KB } from "../../../src/sandbox/process.ts";
import { MAX_DEPTH } from "../../../src/sandbox/wasm/metering.ts";
import { runs, seed } from "../../support/property.ts";
import { FRAMES, MODULES } from "./frames.ts";
import { generateModule } from "./generate.ts";

const run = promisify(execFile);
const SCRIPT = new URL("tier-run.ts", import.meta.url).pathname;

/** Two thirds of the stack that a hook host has where it has least, in KB. */
const STACK = (STACK_KB.unlimited * 2) / 3;
/** Code as it is compiled first, as it is compiled at last, and on the way from the one to the other. */
const TIERS = {
  default: [],
  baseline: ["--liftoff-only"],
  optimised: ["--no-liftoff"],
  "tiering up at once": ["--wasm-tiering-budget=1"],
} as const;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pinion-tiers-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function inTier(flags: readonly string[], files: readonly string[]): Promise<unknown[]> {
  const { stdout } = await run(process.execPath, [`--stack-size=${STACK}`, ...flags, SCRIPT, ...files], {
    maxBuffer: 2 ** 28,
  });
  return stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}

async function meterInto(file: string, fields: string): Promise<string> {
  const path = join(folder, file);
  await writeFile(path, meterModule(await parse(`(module ${fields})`)));
  return path;
}

test("R5 deep recursion: stops at the limit of the depth in every tier of the compiler, whatever the frames hold", async () => {
  const files = await Promise.all(
    Object.values(FRAMES).map((fields, index) => meterInto(`frame-${index}.wasm`, fields)),
  );
  const modules = await Promise.all(MODULES.map((fields, index) => meterInto(`module-${index}.wasm`, fields)));
  const names = [...Object.keys(FRAMES), "modules that call each other"];
  const found: Record<string, unknown> = {};
  for (const [tier, flags] of Object.entries(TIERS)) {
    const results = await inTier(flags, [...files, modules.join()]);
    found[tier] = Object.fromEntries(names.map((name, index) => [name, results[index]]));
  }
  for (const shapes of Object.values(found)) {
    for (const result of Object.values(shapes as object)) {
      expect(result).toMatchObject({
        thrown: "RuntimeError: unreachable",
        failure: expect.stringMatching(new RegExp(`^\`callDepth\`: allowed ${MAX_DEPTH}, used \\d+$`)),
      });
    }
    expect(shapes).toEqual(found.default);
    // Ordinary recursion is within reach.
    expect(shapes).toMatchObject({ empty: { used: expect.toSatisfy((calls: number) => calls > 5000) } });
  }
});

test("D9 another compiler: generated modules take the same fuel and end the same way in every tier", async () => {
  const files = await Promise.all(
    Array.from({ length: runs(12, 150) }, async (_, index) => {
      const original = generateModule(seed + index, 100);
      const paths = [join(folder, `metered-${index}.wasm`), join(folder, `original-${index}.wasm`)] as const;
      await writeFile(paths[0], meterModule(original));
      await writeFile(paths[1], original);
      return paths.join(":");
    }),
  );
  const reference = await inTier(TIERS.default, files);
  for (const flags of Object.values(TIERS).slice(1)) expect(await inTier(flags, files)).toEqual(reference);
});
