import { createHash } from "node:crypto";
import { readdirSync, readFileSync, realpathSync } from "node:fs";
import { createRequire, findPackageJSON, stripTypeScriptTypes } from "node:module";
import { dirname, extname, join } from "node:path";
import { WorldError } from "../model/errors.ts";
import { encodeFrame } from "./host/wire.ts";

/** The modules of a program by URL. Their scheme is nobody's: nothing is looked for where they are not. */
export interface Code {
  readonly entry: string;
  readonly files: Readonly<Record<string, string>>;
}

export interface Program {
  /** What the process runs at first: reads `code` from its standard input. JavaScript, an ES module. */
  readonly boot: string;
  /** The first frame that the process is sent: a `Code`. */
  readonly code: Uint8Array;
  /** Folders that it may read. */
  readonly readable: readonly string[];
  readonly args: readonly string[];
}

export interface Programs {
  readonly host: Program;
  readonly builder: Program;
  /** Names what turns components into code: the version of jco, and a digest of our own part in it and in how it is kept. */
  readonly maker: string;
  /** The version of jco-transpile. */
  readonly jco: string;
}

const TRANSPILER = "@bytecodealliance/jco-transpile";
const HERE = realpathSync(import.meta.dirname);
/** `.ts` in a checkout, `.js` where Pinion is installed. */
const TYPE = extname(import.meta.filename);
let found: Programs | undefined;

/** Our own programs for the child processes. */
export function programs(): Programs {
  found ??= find();
  return found;
}

function find(): Programs {
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
  const shared = [
    ...folder("host"),
    ...folder("wasm"),
    ...["phase", "canonical", "errors"].map((name) => `model/${name}${TYPE}`),
  ];
  const boot = javaScript(`sandbox/boot/boot${TYPE}`);
  return {
    host: { boot, code: codeOf("sandbox/host/main", shared), readable: [], args: [] },
    builder: {
      boot,
      code: codeOf("sandbox/build/main", [...shared, ...folder("build"), ...folder("inspect"), ...folder("meter")]),
      readable: [`${realpathSync(dirname(manifest))}/`],
      // Resolved here: looking for packages takes reading folders that the process may not read.
      args: ["wasm-tools", "component"].map((part) => realpathSync(resolve(`${TRANSPILER}/${part}`))),
    },
    jco: version,
    maker: `jco-${version}-${digest([...["build", "inspect", "meter", "wasm"].flatMap(folder), `sandbox/cache${TYPE}`])}`,
  };
}

/** Files of a folder of the sandbox, as paths below `src/`. */
function folder(name: string): string[] {
  return readdirSync(join(HERE, name))
    .filter((file) => file.endsWith(TYPE))
    .sort()
    .map((file) => `sandbox/${name}/${file}`);
}

function codeOf(entry: string, files: readonly string[]): Uint8Array {
  const url = (file: string) => `pinion:/${file}`;
  const code: Code = {
    entry: url(`${entry}${TYPE}`),
    files: Object.fromEntries(files.map((file) => [url(file), javaScript(file)])),
  };
  return encodeFrame(code);
}

/** The text of one of our files; its types are taken off here, once, since a child would need 25 MB for doing that. */
function javaScript(file: string): string {
  const text = readFileSync(join(HERE, "..", file), "utf8");
  if (TYPE === ".js") return text;
  const { emitWarning } = process;
  // Node warns that this function is experimental; it is what it does itself with every file of a checkout.
  process.emitWarning = () => undefined;
  try {
    return stripTypeScriptTypes(text);
  } finally {
    process.emitWarning = emitWarning;
  }
}

function digest(files: readonly string[]): string {
  const hash = createHash("sha256");
  for (const file of files) hash.update(`${file}\0`).update(readFileSync(join(HERE, "..", file)));
  return hash.digest("hex").slice(0, 16);
}
