import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { digestOf } from "../../src/model/canonical.ts";
import type { HookLimits, PinnedHook } from "../../src/model/hook.ts";

const run = promisify(execFile);
const ROOT = new URL("../..", import.meta.url).pathname;
const FOLDER = join(tmpdir(), "pinion-test-guests");

/**
 * A hook in JavaScript, built by componentize-qjs: `source` exports `configure` and `handle` and may import
 * `pinion:hook/host@1.0.0` and `pinion:hook/files@1.0.0`. Built once for each source and contract, kept in the temporary folder.
 */
export async function buildGuest(source: string): Promise<Uint8Array> {
  const contract = await readFile(join(ROOT, "wit/hook.wit"), "utf8");
  const path = join(FOLDER, `${digestOf(`${contract}\0${source}`).slice("sha256:".length)}.wasm`);
  if (existsSync(path)) return readFile(path);
  await mkdir(FOLDER, { recursive: true });
  const folder = await mkdtemp(join(FOLDER, "build-"));
  try {
    const script = join(folder, "hook.js");
    const output = join(folder, "hook.wasm");
    await writeFile(script, source);
    const command = join(ROOT, "node_modules/.bin/componentize-qjs");
    await run(command, ["-w", join(ROOT, "wit"), "-j", script, "-n", "hook", "--sync", "--stub-wasi", "-o", output]);
    await rename(output, path);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return readFile(path);
}

/** The source of a hook whose `handle` is these statements; `phase` and `payload` are in reach. */
export function hookSource(statements: string, imports = ""): string {
  return `${imports}
export function configure(config) { globalThis.config = JSON.parse(config); }
export function handle(phase, payload) { ${statements} }
const allow = (rationale) => ({ decision: "allow", rationale, payload: undefined });
const block = (rationale) => ({ decision: "block", rationale, payload: undefined });
const transform = (rationale, value) => ({ decision: "transform", rationale, payload: JSON.stringify(value) });
`;
}

export const LIMITS: HookLimits = {
  deadlineMs: 2000,
  memoryPages: 512,
  tableEntries: 10_000,
  outputBytes: 65_536,
  hostcalls: 100,
  events: 50,
  eventBytes: 65_536,
};

/** A pinned hook around component bytes, for every phase unless told otherwise. */
export function pinnedHook(bytes: Uint8Array, changes: Partial<PinnedHook> = {}): PinnedHook {
  return {
    name: "hook",
    version: "1.0.0",
    digest: digestOf("manifest"),
    component: digestOf(bytes),
    role: "gate",
    tier: "sandboxed",
    phases: ["pre-plan", "pre-send", "post-receive", "pre-tool", "post-tool", "state-transition", "spawn", "audit"],
    config: {},
    limits: LIMITS,
    authority: { tools: [], files: [] },
    ...changes,
  };
}
