import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { findPackageJSON } from "node:module";
import { dirname, join } from "node:path";
import { BuildError } from "../fault.ts";

/** What a compiler is given besides the sources. */
export interface Kit {
  /** The folder that the paths of the sources start from. */
  readonly root: string;
  /** The folder of `hook.wit`. */
  readonly wit: string;
  /** The world of `hook.wit` that the hook is of; `hook` unless given. */
  readonly world?: "hook" | "trusted-hook";
  /** Folders whose packages are looked through for compilers, the first first. */
  readonly lookIn: readonly string[];
}

export interface Tool {
  readonly script: string;
  readonly version: string;
}

/** A compiler that is a package of npm: the one of the hook's own project, or that of Pinion's installation. */
export function npmTool(name: string, bin: string, { lookIn, root }: Kit): Tool {
  for (const folder of lookIn) {
    const manifest = packageOf(name, folder);
    if (manifest === undefined) continue;
    const { bin: bins, version } = JSON.parse(readFileSync(manifest, "utf8")) as {
      readonly bin: Readonly<Record<string, string>>;
      readonly version: string;
    };
    return { script: join(dirname(manifest), bins[bin] ?? ""), version };
  }
  throw new BuildError(
    `the compiler \`${name}\` is not installed, neither for \`${root}\` nor with Pinion`,
    `npm install --save-dev ${name}@${WANTED[name]}`,
  );
}

/** The versions that hooks are known to build with. */
const WANTED: Readonly<Record<string, string>> = { "componentize-qjs": "0.4.5", assemblyscript: "0.28.20" };

function packageOf(name: string, folder: string): string | undefined {
  try {
    return findPackageJSON(name, join(folder, "package.json"));
  } catch {
    return undefined;
  }
}

/** Runs a compiler to its end; its words go into the error, with `shown` in place of paths that nobody knows. */
export function compileWith(
  command: string,
  args: readonly string[],
  { cwd, shown = (text) => text }: { readonly cwd: string; readonly shown?: (text: string) => string },
): void {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: "utf8", maxBuffer: 1 << 26 });
  if (error !== undefined) throw error;
  if (status === 0) return;
  throw new BuildError(
    `it does not compile:\n${shown(`${stderr}${stdout}`).trim() || `the compiler ended with ${status}`}`,
  );
}
