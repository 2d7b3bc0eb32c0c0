import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Sources } from "../sources.ts";
import { compileWith, type Kit, npmTool } from "./tool.ts";

/** QuickJS with the modules evaluated at build time. The bytes of two builds differ. */
export function compileTypeScript({ entry, files }: Sources, kit: Kit): Uint8Array {
  const { script } = npmTool("componentize-qjs", "componentize-qjs", kit);
  const staging = mkdtempSync(join(tmpdir(), "pinion-hook-"));
  try {
    const modules = join(staging, "modules");
    for (const [path, code] of files) {
      mkdirSync(dirname(join(modules, path)), { recursive: true });
      writeFileSync(join(modules, path), code);
    }
    const output = join(staging, "hook.wasm");
    const source = [
      "--wit",
      kit.wit,
      "--world",
      kit.world ?? "hook",
      "--js",
      join(modules, entry),
      "--module-root",
      modules,
    ];
    const args = [script, ...source, "--sync", "--stub-wasi", "--output", output];
    compileWith(process.execPath, args, { cwd: staging, shown: (text) => text.replaceAll(`${modules}/`, "") });
    return readFileSync(output);
  } finally {
    rmSync(staging, { recursive: true });
  }
}
