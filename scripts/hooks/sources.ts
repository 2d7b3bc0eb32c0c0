import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readAll, type Sources, typeScriptSources } from "../../src/authoring/sources.ts";

export type { Sources } from "../../src/authoring/sources.ts";

/** `hooks/<name>/assembly/index.ts` is AssemblyScript, `hooks/<name>/hook.ts` is TypeScript. */
export function readSources(root: string, name: string): Sources {
  const assembly = `hooks/${name}/assembly`;
  if (!existsSync(join(root, assembly))) return typeScriptSources(root, `hooks/${name}/hook.ts`);
  return {
    language: "assemblyscript",
    entry: `${assembly}/index.ts`,
    files: readAll(root, `${assembly}/**/*.ts`),
  };
}

/** Changes when a source, the contract or one of the compilers does. */
export function sourceDigest(root: string, sources: Sources): string {
  const { devDependencies, dependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const compilers = { ...dependencies, ...devDependencies };
  const hash = createHash("sha256");
  const used =
    sources.language === "typescript" ? ["componentize-qjs"] : ["assemblyscript", "@bytecodealliance/jco-transpile"];
  for (const compiler of used) hash.update(`${compiler}@${compilers[compiler]}\n`);
  const contract = readFileSync(join(root, "wit/hook.wit"), "utf8");
  for (const [path, text] of [["wit/hook.wit", contract] as const, ...[...sources.files].sort()]) {
    hash.update(`${path} ${text.length}\n${text}`);
  }
  return `sha256:${hash.digest("hex")}`;
}
