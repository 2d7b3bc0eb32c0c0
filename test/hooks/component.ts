import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { transpileBytes } from "@bytecodealliance/jco-transpile";
import type { Json, JsonObject } from "../../src/model/json.ts";
import type { Phase } from "../../src/model/phase.ts";
import { type CoreModule, engine } from "../../src/sandbox/wasm/engine.ts";

/** What a hook answered, as the component model shows it. */
export interface Answer {
  readonly decision: "allow" | "block" | "transform";
  readonly rationale: string;
  readonly payload: string | undefined;
}

/** One instance of a component in this process, with what it told the host. For tests only: nothing contains it. */
export interface Guest {
  configure(config: JsonObject): void;
  /** `text` is canonical JSON. Throws an `Error` with the guest's message, or whatever the trap threw. */
  handle(phase: Phase, text: string): Answer;
  readonly events: { readonly kind: string; readonly data: Json }[];
  readonly capsules: { readonly kind: string; readonly value: Json }[];
}

interface Exports {
  configure(config: string): void;
  handle(phase: string, payload: string): Answer;
}

/** Transpiles the component at `path`; every call of the result is a fresh instance. */
export async function load(path: string): Promise<() => Guest> {
  const component = readFileSync(path);
  const { files } = await transpileBytes(component, { name: "guest", instantiation: "sync", wasiShim: false });
  const folder = mkdtempSync(join(tmpdir(), "pinion-guest-"));
  try {
    const modules = new Map<string, CoreModule>();
    for (const [name, bytes] of Object.entries(files)) {
      if (name.endsWith(".wasm")) modules.set(name, new engine.Module(new Uint8Array(bytes)));
    }
    writeFileSync(join(folder, "guest.mjs"), files["guest.js"] ?? "");
    const { instantiate } = await import(/* @vite-ignore */ pathToFileURL(join(folder, "guest.mjs")).href);
    return () => start((host) => instantiate((name: string) => modules.get(name), host) as Exports);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function start(instantiate: (host: Record<string, object>) => Exports): Guest {
  const events: { kind: string; data: Json }[] = [];
  const capsules: { kind: string; value: Json }[] = [];
  const absent = new Proxy({}, { get: (_, name) => refuse(String(name)) });
  const exports = instantiate({
    "pinion:hook/files": absent,
    "pinion:hook/leases": absent,
    "pinion:hook/host": {
      emitEvent: (kind: string, data: string) => void events.push({ kind, data: JSON.parse(data) }),
      writeCapsule: (kind: string, value: string) => void capsules.push({ kind, value: JSON.parse(value) }),
      readCapsule: () => undefined,
      now: () => 0n,
      requestToolCall: refuse("requestToolCall"),
      requestApproval: refuse("requestApproval"),
      random: refuse("random"),
      sleep: refuse("sleep"),
    },
  });
  return {
    events,
    capsules,
    configure: (config) => guarded(() => exports.configure(JSON.stringify(config))),
    handle: (phase, text) => guarded(() => exports.handle(phase, text)),
  };
}

function refuse(name: string): () => never {
  return () => {
    throw new Error(`the test's host has no \`${name}\``);
  };
}

/** An error of the guest arrives as a bare string. */
function guarded<T>(call: () => T): T {
  try {
    return call();
  } catch (thrown) {
    throw typeof thrown === "string" ? new Error(thrown) : thrown;
  }
}
