/**
 * Builds the C hooks of templates/hook/c into test/guests/c, where they are committed so that the tests need no clang.
 * `node scripts/build-guests.ts`
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { compile } from "../src/authoring/compile.ts";
import { clangVersion } from "../src/authoring/compilers/c.ts";
import { scaffold } from "../src/authoring/scaffold.ts";
import { findSources } from "../src/authoring/sources.ts";
import { ROLES } from "../src/model/phase.ts";

const installation = resolve(import.meta.dirname, "..");
const target = join(installation, "test/guests/c");
const temporary = mkdtempSync(join(tmpdir(), "pinion-guests-"));
try {
  for (const role of ROLES) {
    const folder = join(temporary, role);
    await scaffold({ name: role, language: "c", role, folder, installation });
    const { root, sources } = findSources(folder);
    const component = await compile(sources, { root, wit: join(installation, "wit"), lookIn: [] });
    writeFileSync(join(target, `${role}.wasm`), component);
    console.log(`${role}: ${component.length} bytes`);
  }
  writeFileSync(join(target, "compiler.json"), `${JSON.stringify({ clang: clangVersion() }, null, 2)}\n`);
} finally {
  rmSync(temporary, { recursive: true });
}
