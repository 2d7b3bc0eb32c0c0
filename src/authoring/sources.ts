import { existsSync, globSync, readFileSync } from "node:fs";
import { basename, dirname, join, posix, relative, sep } from "node:path";
import { InputError } from "../model/errors.ts";
import { BuildError } from "./fault.ts";
import { strip } from "./strip.ts";

export type Language = "typescript" | "assemblyscript" | "c";

/** What a component is built from. Paths are relative to a root, contents are what the compiler sees. */
export interface Sources {
  readonly language: Language;
  readonly entry: string;
  readonly files: ReadonlyMap<string, string>;
}

/** Where the source of a hook begins, by language. */
export const ENTRIES: Readonly<Record<Language, string>> = {
  typescript: "hook.ts",
  assemblyscript: "assembly/index.ts",
  c: "hook.c",
};

/** Finds the sources of the hook in a folder by their names. Throws `InputError` when there are none, or several. */
export function findSources(folder: string): { readonly root: string; readonly sources: Sources } {
  const found = (Object.keys(ENTRIES) as Language[]).filter((language) => existsSync(join(folder, ENTRIES[language])));
  const [language] = found;
  if (language === undefined || found.length > 1) {
    const names = Object.values(ENTRIES).map((entry) => `\`${entry}\``);
    throw new InputError({
      code: "no-source",
      message:
        language === undefined
          ? `there is no source in \`${folder}\`: expected ${names.join(", ")}`
          : `there are several sources in \`${folder}\`: ${found.map((one) => `\`${ENTRIES[one]}\``).join(", ")}`,
      hint: "a hook has one source; `hook new` makes a folder with it",
    });
  }
  if (language === "typescript") return typeScriptAround(join(folder, ENTRIES.typescript));
  const pattern = language === "c" ? "*.{c,h}" : "assembly/**/*.ts";
  return { root: folder, sources: { language, entry: ENTRIES[language], files: readAll(folder, pattern) } };
}

/** The files of one pattern below a root, in order. */
export function readAll(root: string, pattern: string): ReadonlyMap<string, string> {
  const paths = globSync(pattern, { cwd: root }).sort();
  return new Map(paths.map((path) => [path, readFileSync(join(root, path), "utf8")]));
}

const IMPORT = /\b(?:from|import)\s*["'](\.[^"']+)["']/g;

/** A module and all that it imports by a relative path, as JavaScript under their own names, relative to `root`. */
export function typeScriptSources(root: string, entry: string): Sources {
  const files = new Map<string, string>();
  follow({ root, path: entry, files });
  return { language: "typescript", entry, files };
}

/** The same around one file: the root is the folder that holds everything that is imported. */
function typeScriptAround(file: string): { readonly root: string; readonly sources: Sources } {
  const { files } = typeScriptSources(dirname(file), basename(file));
  const up = [...files.keys()].map((path) => path.split("/").filter((part) => part === "..").length);
  const root = join(dirname(file), ...Array<string>(Math.max(0, ...up)).fill(".."));
  const below = (path: string) =>
    relative(root, join(dirname(file), path))
      .split(sep)
      .join("/");
  const moved = new Map([...files].map(([path, code]) => [below(path), code]));
  return { root, sources: { language: "typescript", entry: below(basename(file)), files: moved } };
}

interface Step {
  readonly root: string;
  readonly path: string;
  readonly files: Map<string, string>;
}

function follow({ root, path, files }: Step): void {
  if (files.has(path)) return;
  const code = strip(path, readFileSync(join(root, path), "utf8"));
  files.set(path, code);
  for (const match of code.matchAll(IMPORT)) {
    const target = posix.join(dirname(path), match[1] ?? "");
    if (!existsSync(join(root, target))) {
      const line = code.slice(0, match.index).split("\n").length;
      throw new BuildError(
        `${path}:${line}: imports \`${match[1]}\`, which is not there`,
        "name the file with its ending",
      );
    }
    follow({ root, path: target, files });
  }
}
