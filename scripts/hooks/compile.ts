import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { componentEmbed, componentNew } from "@bytecodealliance/jco-transpile/wasm-tools";
import { componentize } from "componentize-qjs";
import type { Sources } from "./sources.ts";

/** Builds the component of world `hook`. Throws with the compiler's own words when the sources are wrong. */
export async function compile(root: string, sources: Sources): Promise<Uint8Array> {
  return sources.language === "typescript"
    ? await compileTypeScript(root, sources)
    : await compileAssembly(root, sources);
}

/** QuickJS with the modules evaluated at build time. The bytes of two builds differ. */
async function compileTypeScript(root: string, { entry, files }: Sources): Promise<Uint8Array> {
  const staging = mkdtempSync(join(tmpdir(), "pinion-hook-"));
  try {
    for (const [path, code] of files) {
      mkdirSync(dirname(join(staging, path)), { recursive: true });
      writeFileSync(join(staging, path), code);
    }
    const { component } = await componentize({
      witPath: join(root, "wit"),
      world: "hook",
      jsSource: files.get(entry) ?? "",
      jsPath: join(staging, entry),
      moduleRoot: staging,
      sync: true,
      stubWasi: true,
    });
    return component;
  } finally {
    rmSync(staging, { recursive: true });
  }
}

/** A core module with the canonical ABI written by hand, wrapped into a component. Two builds give the same bytes. */
async function compileAssembly(root: string, { entry }: Sources): Promise<Uint8Array> {
  const folder = mkdtempSync(join(tmpdir(), "pinion-hook-"));
  try {
    const outFile = join(folder, "core.wasm");
    const asc = join(root, "node_modules/assemblyscript/bin/asc.js");
    const args = [
      asc,
      entry,
      "--outFile",
      outFile,
      "-O3",
      "--converge",
      "--noAssert",
      "--runtime",
      "stub",
      "--use",
      "abort=",
    ];
    const { status, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8" });
    if (status !== 0) throw new Error(`${entry} does not compile:\n${stderr}`);
    const witSource = readFileSync(join(root, "wit/hook.wit"), "utf8");
    const binary = readFileSync(outFile);
    return await componentNew(await componentEmbed({ binary, witSource, world: "hook", stringEncoding: "utf16" }));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
