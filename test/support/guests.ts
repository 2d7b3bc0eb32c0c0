import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { digestOf } from "../../src/model/canonical.ts";
import type {
  HookBatch,
  HookEvent,
  HookHost,
  HookHosts,
  HookLimits,
  HookOutcome,
  HookSession,
  PinnedHook,
} from "../../src/model/hook.ts";
import { createHookHosts, type HookHostOptions } from "../../src/sandbox/hosts.ts";

const run = promisify(execFile);
const ROOT = new URL("../..", import.meta.url).pathname;
const FOLDER = join(tmpdir(), "pinion-test-guests");

/**
 * A hook in JavaScript, built by componentize-qjs: `source` exports `configure` and `handle` and may import
 * `pinion:hook/host@1.0.0` and `pinion:hook/files@1.0.0`. Built once for each source and contract, kept in the temporary folder.
 */
export async function buildGuest(source: string, world: "hook" | "trusted-hook" = "hook"): Promise<Uint8Array> {
  const contract = await readFile(join(ROOT, "wit/hook.wit"), "utf8");
  const path = join(FOLDER, `${digestOf(`${contract}\0${world}\0${source}`).slice("sha256:".length)}.wasm`);
  if (existsSync(path)) return readFile(path);
  await mkdir(FOLDER, { recursive: true });
  const folder = await mkdtemp(join(FOLDER, "build-"));
  try {
    const script = join(folder, "hook.js");
    const output = join(folder, "hook.wasm");
    await writeFile(script, source);
    const command = join(ROOT, "node_modules/.bin/componentize-qjs");
    await run(command, ["-w", join(ROOT, "wit"), "-j", script, "-n", world, "--sync", "--stub-wasi", "-o", output]);
    await rename(output, path);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return readFile(path);
}

/** The body of a hook that answers with these statements; `phase`, `payload`, `config` and all hostcalls are in reach. */
export function hookSource(statements: string): string {
  return `import * as host from "pinion:hook/host@1.0.0";
import * as files from "pinion:hook/files@1.0.0";
let config;
export function configure(text) { config = JSON.parse(text); }
export function handle(phase, payload) { ${statements} }
const allow = (rationale) => ({ decision: "allow", rationale, payload: undefined });
const block = (rationale) => ({ decision: "block", rationale, payload: undefined });
const transform = (rationale, payload) => ({ decision: "transform", rationale, payload });
`;
}

/** What the puppet can do: statements by name. It is one component for all of them, told apart by its configuration. */
const BEHAVIOURS = {
  allows: 'return allow("fine");',
  blocks: 'return block("not today");',
  "returns the payload with a mark":
    'return transform("marked", JSON.stringify({ ...JSON.parse(payload), marked: true }));',
  traps: "throw 7;",
  "throws an error": 'throw new Error("broken");',
  "never returns": "for (;;) {}",
  "answers with a payload that is not JSON": 'return transform("garbage", "{");',
  "transforms without a payload": 'return transform("nothing", undefined);',
  "allows with a payload": 'return { ...allow("and more"), payload: "{}" };',
  "answers something else": "return 42;",
  "answers a promise": 'return Promise.reject(new Error("late"));',
  "answers half a surrogate pair": 'return allow("\\ud800");',
  "reads the clock of the system": "return allow(String(Date.now()));",
  "sleeps for ever": "for (;;) host.sleep(1000);",
  "floods with events": 'for (;;) host.emitEvent("flood", "1");',
  "emits a huge event": 'host.emitEvent("huge", JSON.stringify("x".repeat(1 << 20))); return allow("");',
  "floods with hostcalls": "for (;;) host.now();",
  "goes on after the host said no": 'for (let n = 0; n < 1000; n++) { try { host.now(); } catch {} } return allow("");',
  "takes all memory": 'const all = []; for (;;) all.push("x".repeat(1 << 20));',
  "says too much": 'return allow("x".repeat(1 << 20));',
  "recurses for ever": "const down = () => 1 + down(); return allow(String(down()));",
  counts: "globalThis.calls = (globalThis.calls ?? 0) + 1; return allow(String(calls));",
  "uses every buffered hostcall": `
    host.emitEvent("seen", JSON.stringify({ phase }));
    host.writeCapsule("risk", JSON.stringify({ level: "low" }));
    host.requestApproval(JSON.stringify({ why: "to be sure" }));
    return allow([host.now(), host.readCapsule("risk"), host.readCapsule("plan"), ...host.random(4)].join(" "));`,
  "calls what its payload names": `
    const { name, values } = JSON.parse(payload).call.arguments;
    try { return allow(String({ ...host, ...files }[name](...values))); }
    catch (error) { return allow(String(error.message ?? error.payload ?? error)); }`,
  "evaluates its payload": `
    const calls = Object.assign({}, host, files);
    const [name, ...values] = JSON.parse(payload, (_, value) => Array.isArray(value?.bytes) ? Uint8Array.from(value.bytes) : value);
    const show = (_, value) => typeof value === "bigint" ? "n" + value : value instanceof Uint8Array ? [...value] : value;
    try { return allow(JSON.stringify({ ok: calls[name](...values) }, show)); }
    catch (error) { return allow(JSON.stringify({ error: error.message ?? error.payload ?? String(error) })); }`,
} as const;
export type Behaviour = keyof typeof BEHAVIOURS;

const PUPPET = hookSource(`
  switch (config.does) {
    ${Object.entries(BEHAVIOURS)
      .map(([name, statements]) => `case ${JSON.stringify(name)}: {\n${statements}\n}`)
      .join("\n    ")}
  }`);

/** A hook that does what its configuration says: `{ does: <behaviour> }`. */
export function buildPuppet(): Promise<Uint8Array> {
  return buildGuest(PUPPET);
}

export const LIMITS: HookLimits = {
  deadlineMs: 10_000,
  hostcallMs: 10_000,
  fuel: 2_000_000_000,
  memoryPages: 512,
  tableEntries: 10_000,
  outputBytes: 65_536,
  hostcalls: 100,
  events: 50,
  eventBytes: 65_536,
  files: 100,
  fileBytes: 1_048_576,
};

/** A pinned hook around component bytes, for every phase unless told otherwise. */
export function pinnedHook(bytes: Uint8Array, changes: Partial<PinnedHook> = {}): PinnedHook {
  return {
    name: "hook",
    version: "1.0.0",
    digest: digestOf("manifest"),
    component: digestOf(bytes),
    world: "pinion:hook/hook@1.0.0",
    role: "gate",
    tier: "sandboxed",
    signature: null,
    signer: null,
    phases: ["pre-plan", "pre-send", "post-receive", "pre-tool", "post-tool", "state-transition", "spawn", "audit"],
    config: {},
    instance: "run",
    limits: LIMITS,
    authority: { tools: [], files: [] },
    ...changes,
  };
}

/** Hook hosts for tests: components are kept in the temporary folder between runs. */
export function testHosts(changes: Partial<HookHostOptions> = {}): HookHosts {
  return createHookHosts({
    node: process.execPath,
    cacheDir: FOLDER,
    cacheKey: Buffer.alloc(32, 7),
    spares: 0,
    clock: () => performance.now(),
    onWarning: (message) => process.stderr.write(`${message}\n`),
    ...changes,
  });
}

export const SEED = "5a".repeat(32);

/** Loads one hook into a host, under its own name. */
export function load(host: HookHost, bytes: Uint8Array, changes: Partial<PinnedHook> = {}) {
  return host.load({ hook: pinnedHook(bytes, changes), bytes, seed: SEED });
}

/** Loads a puppet. */
export async function loadPuppet(host: HookHost, does: Behaviour, changes: Partial<PinnedHook> = {}) {
  return load(host, await buildPuppet(), { config: { does }, ...changes });
}

/** Asks hooks and gives every event; `answer` answers their hostcalls. */
export async function ask(
  host: HookHost,
  batch: Partial<HookBatch> = {},
  answer: (event: HookEvent & { readonly kind: "hostcall" }) => Parameters<HookSession["answer"]>[0] = () => ({
    error: "not in this test",
  }),
): Promise<HookEvent[]> {
  const session = host.begin({
    phase: "pre-tool",
    payload: '{"step":1}',
    hooks: ["hook"],
    now: 1_700_000_000_000,
    capsules: {},
    ...batch,
  });
  const events: HookEvent[] = [];
  for (let event = await session.next(); event; event = await session.next()) {
    events.push(event);
    if (event.kind === "hostcall") session.answer(answer(event));
  }
  return events;
}

/** What the last hook of a batch answered. */
export async function outcomeOf(host: HookHost, batch: Partial<HookBatch> = {}): Promise<HookOutcome> {
  const last = (await ask(host, batch)).at(-1);
  if (last?.kind !== "result") throw new Error("the batch ended without a result");
  return last.outcome;
}
