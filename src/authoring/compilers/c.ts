import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BuildError } from "../fault.ts";
import type { Sources } from "../sources.ts";
import { asComponent } from "./component.ts";
import { compileWith, type Kit } from "./tool.ts";

/** Freestanding: no library of C. `-fno-builtin` would be slower; what clang makes of loops is bulk memory, not a call. */
const FLAGS = [
  "--target=wasm32",
  "-std=c17",
  "-O2",
  "-Wall",
  "-Wextra",
  "-ffreestanding",
  "-nostdlib",
  "-mbulk-memory",
];
const LINK = ["-Wl,--no-entry", "-Wl,--strip-all", "-Wl,-z,stack-size=65536", "-Wl,--stack-first"];

/** A core module by clang, with strings in UTF-8. Two builds by the same clang give the same bytes. */
export async function compileC({ entry }: Sources, kit: Kit): Promise<Uint8Array> {
  if (clangVersion() === undefined || spawnSync("wasm-ld", ["--version"]).error !== undefined) {
    throw new BuildError("clang with wasm-ld is not installed", "apt-get install clang lld");
  }
  const folder = mkdtempSync(join(tmpdir(), "pinion-hook-"));
  try {
    const core = join(folder, "core.wasm");
    compileWith("clang", [...FLAGS, ...LINK, "-o", core, entry], { cwd: kit.root });
    return await asComponent(readFileSync(core), kit.wit, "utf8");
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The first line of `clang --version`; undefined when there is none. */
export function clangVersion(): string | undefined {
  const { status, stdout } = spawnSync("clang", ["--version"], { encoding: "utf8" });
  return status === 0 ? stdout.split("\n")[0] : undefined;
}
