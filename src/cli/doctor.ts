import { accessSync, constants, existsSync } from "node:fs";
import { dirname } from "node:path";
import { EXIT, type ExitCode, PinionError } from "../model/errors.ts";
import type { HostLayer } from "../model/hook.ts";
import { machineLayers } from "../runtime/policy/layers.ts";
import { listSecrets } from "../runtime/secrets/manage.ts";
import { listTrust } from "../runtime/trust/manage.ts";
import { hookHostLayers, type ProcessLayer, processLayers } from "../runtime.ts";
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
    ...(await processes(stateDir)),
    ...(await hookHost()),
    trust(),
    await policies(),
    writable("data directory", dataDir),
    writable("state directory", stateDir),
    writable("cache directory", cacheDir),
    secretsFile(),
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

/** A policy that cannot be used keeps every run from starting. */
async function policies(): Promise<Check> {
  try {
    const found = (await machineLayers(environment())).map(({ name }) => name);
    return { name: "policies", ok: true, needed: true, found: found.join(", ") || "none: blueprints alone decide" };
  } catch (error) {
    if (!(error instanceof PinionError)) throw error;
    const hint = error.hint ?? "correct it, or remove it; `pinion policy check` says what is wrong with one";
    return { name: "policies", ok: false, needed: true, found: error.message, hint };
  }
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

const LAYERS: Readonly<Record<ProcessLayer["name"], { readonly name: string; readonly hint: string }>> = {
  bwrap: {
    name: "bwrap",
    hint: "tools run as `bwrap` only where it works; a blueprint may list `unconfined` as its second choice",
  },
  "system-calls": {
    name: "processes: system calls",
    hint: "processes under `bwrap` run without a filter of system calls, and every result says so",
  },
  overlay: {
    name: "processes: overlay",
    hint: "processes work in a copy of a layered workspace, which takes time and space; docs/tools.md",
  },
  network: {
    name: "processes: network",
    hint: "`unconfined` processes reach the network of this machine even where a blueprint says `none`, and every result says so; `bwrap` needs nothing of it",
  },
  groups: {
    name: "processes: groups",
    hint: "the number of processes is only watched: a fork bomb of root may hold up the machine until it is stopped",
  },
};

/** What confines the processes that tools start: not what is installed, but what works here. Many containers forbid most of it. */
async function processes(stateDir: string): Promise<Check[]> {
  try {
    const layers = await processLayers(stateDir);
    return layers.map(({ name, active, detail }) => ({ ...LAYERS[name], ok: active, needed: false, found: detail }));
  } catch (error) {
    if (!(error instanceof PinionError)) throw error;
    return [{ name: LAYERS.bwrap.name, ok: false, needed: false, found: error.message, hint: LAYERS.bwrap.hint }];
  }
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

/** A keyring that cannot be used keeps every run from starting that pins a signature. */
function trust(): Check {
  const name = "keyring";
  try {
    const { keys, revoked } = listTrust(environment());
    const valid = keys.filter(({ state }) => state === "valid").length;
    const others = keys.length - valid;
    const none = keys.length + revoked.length === 0;
    const found = none ? "no keys: hooks are sandboxed" : `${valid} valid keys, ${others} that do not count`;
    return { name, ok: true, needed: false, found };
  } catch (error) {
    if (!(error instanceof PinionError)) throw error;
    const hint = error.hint ?? "runs whose pins name a signature do not start until it can be read";
    return { name, ok: false, needed: false, found: error.message, hint };
  }
}

/** Whether others keep out of the user's secrets; none are needed. */
function secretsFile(): Check {
  const check = {
    name: "secrets",
    needed: false,
    hint: "look at the file's owner and mode, and think about who has read it",
  };
  try {
    const { file, secrets } = listSecrets(environment());
    const kept = secrets.filter(({ from }) => from === "file").length;
    return { ...check, ok: true, found: kept === 0 ? `none in ${file}` : `${kept} in ${file}, for you alone` };
  } catch (error) {
    if (!(error instanceof PinionError)) throw error;
    return { ...check, ok: false, found: error.message };
  }
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
