import { createHash } from "node:crypto";
import { readdirSync, readFileSync, realpathSync } from "node:fs";
import { createRequire, findPackageJSON } from "node:module";
import { dirname, extname, join } from "node:path";
import { WorldError } from "../model/errors.ts";

export interface Program {
  readonly entry: string;
  readonly readable: readonly string[];
  readonly args: readonly string[];
}

export interface Programs {
  readonly host: Program;
  readonly builder: Program;
  /** Names what turns components into code: the version of jco, and a digest of our own part in it. */
  readonly maker: string;
  /** The version of jco-transpile. */
  readonly jco: string;
}

const TRANSPILER = "@bytecodealliance/jco-transpile";
let found: Programs | undefined;

/** Our own programs for the child processes, as `.ts` in a checkout and as `.js` where Pinion is installed. */
export function programs(): Programs {
  found ??= find();
  return found;
}

function find(): Programs {
  const here = realpathSync(import.meta.dirname);
  const type = extname(import.meta.filename);
  const folder = (name: string) => `${join(here, name)}/`;
  const words = ["phase", "canonical", "errors"].map((name) => join(here, "..", "model", `${name}${type}`));
  const shared = [folder("host"), folder("wasm"), ...words];
  const manifest = findPackageJSON(TRANSPILER, import.meta.url);
  if (manifest === undefined) {
    throw new WorldError({
      code: "no-transpiler",
      message: `the package \`${TRANSPILER}\` is not installed next to Pinion`,
      hint: "run `npm install`",
    });
  }
  const { resolve } = createRequire(import.meta.url);
  const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { readonly version: string };
  return {
    host: { entry: join(here, "host", `main${type}`), readable: shared, args: [] },
    builder: {
      entry: join(here, "build", `main${type}`),
      readable: [...shared, folder("build"), folder("inspect"), folder("meter"), `${realpathSync(dirname(manifest))}/`],
      // Resolved here: looking for packages takes reading folders that the process may not read.
      args: ["wasm-tools", "component"].map((part) => realpathSync(resolve(`${TRANSPILER}/${part}`))),
    },
    jco: version,
    maker: `jco-${version}-${digest(["build", "inspect", "meter", "wasm"].map((name) => join(here, name)))}`,
  };
}

function digest(folders: readonly string[]): string {
  const hash = createHash("sha256");
  for (const folder of folders) {
    for (const name of readdirSync(folder).sort()) hash.update(`${name}\0`).update(readFileSync(join(folder, name)));
  }
  return hash.digest("hex").slice(0, 16);
}
