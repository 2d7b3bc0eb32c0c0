import { Malformed } from "../wasm/reader.ts";
import type { Extern } from "./types.ts";

/** The world that every hook is built for: wit/hook.wit, written out. A test compares the two. */
export const WORLD = "pinion:hook/hook@1.0.0";
/** That of hooks that make leases; which of the two a hook may be of is decided where it is loaded. */
export const TRUSTED_WORLD = "pinion:hook/trusted-hook@1.0.0";

const PHASE = "enum { pre-plan, pre-send, post-receive, pre-tool, post-tool, state-transition, spawn, audit }";
const DECISION = "enum { allow, block, transform }";
const VERDICT = `record { decision: ${DECISION}, rationale: string, payload: option<string> }`;
const KIND = "enum { file, directory, other }";
const ENTRY = `record { name: string, kind: ${KIND}, size: u64 }`;

export const IMPORTS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "pinion:hook/types@1.0.0": {
    phase: PHASE,
    decision: DECISION,
    verdict: VERDICT,
  },
  "pinion:hook/host@1.0.0": {
    "emit-event": "func(kind: string, data: string) -> result<_, string>",
    "read-capsule": "func(kind: string) -> result<option<string>, string>",
    "write-capsule": "func(kind: string, value: string) -> result<_, string>",
    "request-tool-call": "func(tool: string, arguments: string) -> result<string, string>",
    "request-approval": "func(request: string) -> result<_, string>",
    random: "func(length: u32) -> result<list<u8>, string>",
    now: "func() -> u64",
    sleep: "func(milliseconds: u32) -> result<_, string>",
  },
  "pinion:hook/files@1.0.0": {
    kind: KIND,
    entry: ENTRY,
    "open-root": "func(name: string) -> result<string, string>",
    "open-directory": "func(directory: string, path: string) -> result<string, string>",
    list: `func(directory: string, path: string) -> result<list<${ENTRY}>, string>`,
    stat: `func(directory: string, path: string) -> result<${ENTRY}, string>`,
    read: "func(directory: string, path: string, offset: u64, length: u32) -> result<list<u8>, string>",
    write: "func(directory: string, path: string, data: list<u8>) -> result<_, string>",
    "create-directory": "func(directory: string, path: string) -> result<_, string>",
    remove: "func(directory: string, path: string) -> result<_, string>",
    rename: "func(directory: string, source: string, target: string) -> result<_, string>",
  },
  "pinion:hook/leases@1.0.0": {
    request: "func(capability: string) -> result<string, string>",
  },
};

/** What the world `trusted-hook` has besides. */
export const MINTING = "pinion:hook/minting@1.0.0";
export const TRUSTED_IMPORTS: typeof IMPORTS = {
  ...IMPORTS,
  [MINTING]: {
    mint: "func(holder: string, capability: string) -> result<string, string>",
    attenuate: "func(lease: string, capability: string) -> result<string, string>",
    delegate: "func(lease: string, holder: string, capability: string) -> result<string, string>",
    revoke: "func(lease: string) -> result<_, string>",
  },
};

/** What the world uses of `types`, imported under its own name. */
const USED: Readonly<Record<string, string>> = { phase: PHASE, verdict: VERDICT };

const EXPORTS: Readonly<Record<string, { readonly type: string; readonly required: boolean }>> = {
  configure: { type: "func(config: string) -> result<_, string>", required: true },
  handle: { type: "func(phase: phase, payload: string) -> result<verdict, string>", required: true },
  /** Left over by the QuickJS toolchain; it answers `already evaluated` and is never called. */
  init: {
    type: "func(shim: string, script: string, entry-path: option<string>, disable-gc: bool) -> result<_, string>",
    required: false,
  },
};

/** Throws `Malformed` when an import is in neither world; a component may import less. */
export function checkImports(imports: ReadonlyMap<string, Extern>): void {
  for (const [name, extern] of imports) {
    if (extern.kind === "other" && Object.hasOwn(USED, name) && extern.what === USED[name]) continue;
    const expected = Object.hasOwn(TRUSTED_IMPORTS, name) ? TRUSTED_IMPORTS[name] : undefined;
    if (expected === undefined) {
      throw new Malformed(`imports \`${shown(name)}\`, expected only ${names(Object.keys(IMPORTS))}`);
    }
    if (extern.kind !== "instance") {
      throw new Malformed(`imports \`${name}\` as \`${shown(extern.what)}\`, expected an interface`);
    }
    for (const [item, type] of extern.exports) {
      if (!Object.hasOwn(expected, item)) {
        throw new Malformed(`imports \`${shown(item)}\` of \`${name}\`, which has no such item`);
      }
      if (type !== expected[item]) {
        throw new Malformed(`imports \`${item}\` of \`${name}\` as \`${shown(type)}\`, expected \`${expected[item]}\``);
      }
    }
  }
}

/** Throws `Malformed` when the names of the exports are not the world's. */
export function checkExportNames(exports: readonly string[]): void {
  for (const name of exports) {
    if (!Object.hasOwn(EXPORTS, name))
      throw new Malformed(`exports \`${shown(name)}\`, expected only \`configure\` and \`handle\``);
  }
  for (const [name, { required }] of Object.entries(EXPORTS)) {
    if (required && !exports.includes(name))
      throw new Malformed(`exports no \`${name}\`, expected \`configure\` and \`handle\``);
  }
}

const EXPORT_LINE = /^\s*export ([a-z0-9-]+): (.*);$/;
const USE_LINE = "use pinion:hook/types@1.0.0.{phase, verdict};";

/** Throws `Malformed` when the types of the exports are not the world's. `wit` is the component's world as WIT. */
export function checkExportTypes(wit: string): void {
  let uses = false;
  for (const line of wit.split("\n")) {
    if (line.trim().startsWith("use ")) {
      if (line.trim() !== USE_LINE) throw new Malformed(`declares \`${shown(line.trim())}\`, expected \`${USE_LINE}\``);
      uses = true;
    }
    const [, name, type] = EXPORT_LINE.exec(line) ?? [];
    if (name === undefined || type === undefined) continue;
    const expected = Object.hasOwn(EXPORTS, name) ? EXPORTS[name]?.type : undefined;
    if (type !== expected) throw new Malformed(`exports \`${name}\` as \`${shown(type)}\`, expected \`${expected}\``);
  }
  if (!uses) throw new Malformed(`declares no \`${USE_LINE}\``);
}

function names(list: readonly string[]): string {
  return list.map((name) => `\`${name}\``).join(", ");
}

/** Text from outside, short and printable. */
export function shown(text: string): string {
  const short = text.length > 200 ? `${text.slice(0, 200)}…` : text;
  return short.replace(/[^\x20-\x7e…]/g, "?");
}
