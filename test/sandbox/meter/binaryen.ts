import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Random } from "./random.ts";

const run = promisify(execFile);
const WASM_OPT = new URL("../../../node_modules/binaryen/bin/wasm-opt", import.meta.url).pathname;

/** What inspection admits. */
const FEATURES = [
  "sign-ext",
  "mutable-globals",
  "nontrapping-float-to-int",
  "simd",
  "bulk-memory",
  "bulk-memory-opt",
  "reference-types",
  "multivalue",
  "extended-const",
  "call-indirect-overlong",
];

/** A module that binaryen's fuzzer makes of random bytes: the same one for the same seed. Takes about 0.3 s. */
export async function fuzzerModule(seed: number): Promise<Uint8Array> {
  const random = new Random(seed);
  const folder = await mkdtemp(join(tmpdir(), "pinion-fuzzer-"));
  try {
    const input = join(folder, "random");
    const output = join(folder, "module.wasm");
    await writeFile(
      input,
      Uint8Array.from({ length: 500 + random.below(15_000) }, () => random.below(256)),
    );
    const features = ["--mvp-features", ...FEATURES.map((feature) => `--enable-${feature}`)];
    await run(process.execPath, [WASM_OPT, "--translate-to-fuzz", input, "--output", output, ...features]);
    return await readFile(output);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
