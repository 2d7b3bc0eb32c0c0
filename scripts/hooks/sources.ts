import { createHash } from "node:crypto";
import { existsSync, globSync, readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { dirname, join, posix } from "node:path";

/** What a component is built from. Paths are relative to the root of the repository, contents are what the compiler sees. */
export interface Sources {
  readonly language: "typescript" | "assemblyscript";
  readonly entry: string;
  readonly files: ReadonlyMap<string, string>;
}

const IMPORT = /\b(?:from|import)\s*["'](\.[^"']+)["']/g;

/** `hooks/<name>/assembly/index.ts` is AssemblyScript, `hooks/<name>/hook.ts` is TypeScript. */
export function readSources(root: string, name: string): Sources {
  const assembly = `hooks/${name}/assembly`;
  if (existsSync(join(root, assembly))) {
    const paths = globSync(`${assembly}/**/*.ts`, { cwd: root }).sort();
    const files = new Map(paths.map((path) => [path, readFileSync(join(root, path), "utf8")]));
    return { language: "assemblyscript", entry: `${assembly}/index.ts`, files };
  }
  const entry = `hooks/${name}/hook.ts`;
  const files = new Map<string, string>();
  follow(root, entry, files);
  return { language: "typescript", entry, files };
}

/** The module and all that it imports by a relative path, as JavaScript under their own names. */
function follow(root: string, path: string, files: Map<string, string>): void {
  if (files.has(path)) return;
  const code = stripTypeScriptTypes(readFileSync(join(root, path), "utf8"));
  files.set(path, code);
  for (const [, target = ""] of code.matchAll(IMPORT)) follow(root, posix.join(dirname(path), target), files);
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
