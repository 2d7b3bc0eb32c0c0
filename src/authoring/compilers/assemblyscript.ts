import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Sources } from "../sources.ts";
import { asComponent } from "./component.ts";
import { compileWith, type Kit, npmTool } from "./tool.ts";

/** Unless the folder has an `asconfig.json`, which then says everything. */
const OPTIONS = ["-O3", "--converge", "--noAssert", "--runtime", "stub", "--use", "abort="];

/** A core module with the canonical ABI written by hand and strings in UTF-16. Two builds give the same bytes. */
export async function compileAssemblyScript({ entry }: Sources, kit: Kit): Promise<Uint8Array> {
  const { script } = npmTool("assemblyscript", "asc", kit);
  const folder = mkdtempSync(join(tmpdir(), "pinion-hook-"));
  try {
    const core = join(folder, "core.wasm");
    const options = existsSync(join(kit.root, "asconfig.json")) ? [] : OPTIONS;
    compileWith(process.execPath, [script, entry, "--outFile", core, ...options], { cwd: kit.root });
    return await asComponent(readFileSync(core), kit, "utf16");
  } finally {
    rmSync(folder, { recursive: true });
  }
}
