import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { checkModule } from "../../../src/sandbox/inspect/module.ts";
import { Malformed } from "../../../src/sandbox/wasm/reader.ts";
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

/** What it writes now and then though none of these features has it: `ref.as_non_null`, which inspection refuses. */
const NOT_OURS = /uses an instruction 0xd4/;
const ATTEMPTS = 10;

/** A module that binaryen's fuzzer makes of random bytes: the same one for the same seed. Takes about 0.3 s. */
export async function fuzzerModule(seed: number): Promise<Uint8Array> {
  const random = new Random(seed);
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const bytes = await fuzz(random);
    try {
      checkModule(bytes, 0);
      return bytes;
    } catch (error) {
      if (!(error instanceof Malformed) || !NOT_OURS.test(error.message)) throw error;
    }
  }
  throw new Error(`no module that inspection admits in ${ATTEMPTS} attempts`);
}

async function fuzz(random: Random): Promise<Uint8Array> {
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
