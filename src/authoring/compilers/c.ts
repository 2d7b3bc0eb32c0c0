import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BuildError } from "../fault.ts";
import type { Sources } from "../sources.ts";
import { asComponent } from "./component.ts";
import { compileWith, type Kit } from "./tool.ts";

/** Freestanding: no library of C. */
const COMPILE = ["--target=wasm32", "-std=c17", "-O2", "-Wall", "-Wextra", "-ffreestanding", "-mbulk-memory", "-c"];
const LINK = ["--no-entry", "--strip-all", "--stack-first", "-z", "stack-size=65536"];

/** A core module by clang, with strings in UTF-8. Two builds by the same clang give the same bytes. */
export async function compileC({ entry }: Sources, kit: Kit): Promise<Uint8Array> {
  if (clangVersion() === undefined || spawnSync("wasm-ld", ["--version"]).error !== undefined) {
    throw new BuildError("clang with wasm-ld is not installed", "apt-get install clang lld");
  }
  const folder = mkdtempSync(join(tmpdir(), "pinion-hook-"));
  try {
    // In two steps: clang as a linker runs `wasm-opt` where it finds one, and the bytes would be others there.
    const object = join(folder, "hook.o");
    const core = join(folder, "core.wasm");
    compileWith("clang", [...COMPILE, "-o", object, entry], { cwd: kit.root });
    compileWith("wasm-ld", [...LINK, "-o", core, object], { cwd: kit.root });
    return await asComponent(readFileSync(core), kit, "utf8");
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The first line of `clang --version`; undefined when there is none. */
export function clangVersion(): string | undefined {
  const { status, stdout } = spawnSync("clang", ["--version"], { encoding: "utf8" });
  return status === 0 ? stdout.split("\n")[0] : undefined;
}
