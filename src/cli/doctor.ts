import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync } from "node:fs";
import { dirname } from "node:path";
import { EXIT, type ExitCode } from "../model/errors.ts";
import type { HostLayer } from "../model/hook.ts";
import { hookHostLayers } from "../runtime.ts";
import type { Call } from "./command.ts";
import { environment } from "./environment.ts";
import { columns } from "./table.ts";
import { jsonLine } from "./visible.ts";

interface Check {
  readonly name: string;
  readonly ok: boolean;
  /** Whether Pinion does not work without it. */
  readonly needed: boolean;
  readonly found: string;
  readonly hint?: string;
}

/** `pinion doctor`: what this machine offers; exit code 1 when something is missing that nothing works without. */
export async function doctor({ json, out }: Call<object>): Promise<ExitCode> {
  const { dataDir, stateDir, cacheDir } = environment();
  const checks = [
    platform(),
    node(),
    bwrap(),
    ...(await hookHost()),
    writable("data directory", dataDir),
    writable("state directory", stateDir),
    writable("cache directory", cacheDir),
  ];
  const ok = checks.every((check) => check.ok || !check.needed);
  if (json)
    out.data(jsonLine({ ok, checks: checks.map(({ hint, ...check }) => (check.ok ? check : { ...check, hint })) }));
  else {
    out.data(columns(checks.map((check) => [check.ok ? "✓" : check.needed ? "✗" : "!", check.name, check.found])));
    for (const { ok: fine, hint } of checks) if (!fine && hint !== undefined) out.talk(hint);
  }
  return ok ? EXIT.ok : EXIT.error;
}

function platform(): Check {
  const hint = "Pinion runs on Linux; elsewhere files and processes are not confined and runs are refused";
  return {
    name: "platform",
    ok: process.platform === "linux",
    needed: true,
    found: `${process.platform} ${process.arch}`,
    hint,
  };
}

function node(): Check {
  const ok = Number(process.versions.node.split(".")[0]) >= 24;
  return { name: "node", ok, needed: true, found: process.version, hint: "put Node 24 or newer first on the PATH" };
}

/** Not whether it is installed but whether it can make a sandbox here: many containers forbid that. */
function bwrap(): Check {
  const args = ["--ro-bind", "/", "/", "--unshare-all", "--die-with-parent", "true"];
  const { error, status, stderr } = spawnSync("bwrap", args, { encoding: "utf8", timeout: 5000 });
  const hint = "tools run as `bwrap` only where it works; a blueprint may list `unconfined` as its second choice";
  const found = error
    ? "not installed"
    : status === 0
      ? "works"
      : `does not work here: ${stderr.trim().split("\n").at(-1)}`;
  return { name: "bwrap", ok: status === 0, needed: false, found, hint };
}

/** Without these no hook is run; the others are there where the machine has them. */
const NEEDED = new Set<HostLayer["name"]>(["permission", "wasm-caps"]);
const WORDS: Readonly<Record<HostLayer["name"], string>> = {
  permission: "permissions",
  environment: "environment",
  "wasm-caps": "wasm caps",
  pdeathsig: "parent's death",
  privileges: "privileges",
  rlimits: "limits",
  bwrap: "namespaces",
};
const HINT = "hook hosts run without it; docs/sandbox.md tells what it is good for and what it takes";

/** What confines the processes that run hooks, looked at in one that was started for it. */
async function hookHost(): Promise<Check[]> {
  const layers = await hookHostLayers();
  if (layers.length === 0) {
    const hint = "this Node cannot run hooks: it takes Node 24 or newer, with a working `--permission`";
    return [{ name: "hook host", ok: false, needed: true, found: "does not start", hint }];
  }
  return layers.map(({ name, active, detail }) => ({
    name: `hook host: ${WORDS[name]}`,
    ok: active,
    needed: NEEDED.has(name),
    found: detail,
    hint: `${WORDS[name]}: ${HINT}`,
  }));
}

function writable(name: string, folder: string): Check {
  let existing = folder;
  while (!existsSync(existing)) existing = dirname(existing);
  try {
    accessSync(existing, constants.W_OK);
    return { name, ok: true, needed: true, found: folder };
  } catch {
    return { name, ok: false, needed: true, found: `${folder} cannot be written`, hint: `make ${existing} writable` };
  }
}
