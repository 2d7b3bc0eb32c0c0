import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { readCases } from "../../blueprint/cases.ts";
import { type Given, loadManifest, type ManifestFile } from "../../blueprint/manifest.ts";
import { DeniedError, InputError } from "../../model/errors.ts";
import type { Phase } from "../../model/phase.ts";
import { type Environment, hookHosts } from "../machine.ts";
import { manifestPath, readBytes, readGiven } from "./locate.ts";
import { payloadOf, phaseOf, readyHook } from "./run.ts";
import { type Answered, Trial } from "./trial.ts";

export interface HookBenchOptions {
  readonly manifest: string;
  /** Together with `input`; left out, the first case of `cases.yaml` is asked. */
  readonly phase?: string | undefined;
  readonly input?: string | undefined;
  readonly config?: string | undefined;
  /** Calls that are measured. */
  readonly calls: number;
  /** ms, from any start. */
  clock(): number;
  onNotice(text: string): void;
}

/** What `hook bench --json` prints. Times in ms, memory in bytes. */
export interface HookBench {
  readonly hook: string;
  readonly phase: Phase;
  readonly payloadBytes: number;
  readonly calls: number;
  /** Starting a hook host and loading the hook: with nothing in the cache of components, or what was there, and then from it. */
  readonly firstLoadMs: number;
  readonly loadMs: number;
  readonly firstCallMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly callsPerSecond: number;
  readonly fuel: { readonly least: number; readonly most: number };
  /** Memory of the hook host that it shares with nobody; absent where the system does not tell. */
  readonly privateBytes?: number;
}

/** Calls before the measured ones: an engine runs the first ones slower. */
const WARM_UP = 300;

/** Measures a hook in a hook host of its own, one call after another. Throws like `runHook`, and `DeniedError` when the hook fails. */
export async function benchHook(options: HookBenchOptions, env: Environment): Promise<HookBench> {
  const { clock, calls } = options;
  const file = await loadManifest(manifestPath(env.cwd, options.manifest));
  const { phase, given, config } = questionOf(options, file, env);
  const { hook, bytes } = await readyHook(file, config, undefined);
  const payload = payloadOf(given, phase, hook);
  const open = async (): Promise<{ readonly trial: Trial; readonly ms: number; close(): Promise<void> }> => {
    const start = clock();
    const hosts = await hookHosts(env, { spares: 0, onWarning: options.onNotice });
    const trial = new Trial({ hosts, bytes, now: () => env.now() });
    const loaded = await trial.load(hook);
    if (loaded.ok) return { trial, ms: clock() - start, close: () => hosts.close() };
    await hosts.close();
    throw failure(loaded.cause, loaded.detail);
  };
  const first = await open();
  await first.close();
  const warm = await open();
  try {
    const ask = async (): Promise<{ readonly ms: number; readonly answered: Answered }> => {
      const start = clock();
      const answered = await warm.trial.ask(hook, { phase, payload, capsules: {} });
      const ms = clock() - start;
      if (answered.decision === "failed") throw failure(answered.cause ?? "error", answered.rationale);
      return { ms, answered };
    };
    const { ms: firstCallMs } = await ask();
    for (let n = 0; n < WARM_UP; n += 1) await ask();
    const times: number[] = [];
    let least = Number.POSITIVE_INFINITY;
    let most = 0;
    for (let n = 0; n < calls; n += 1) {
      const { ms, answered } = await ask();
      times.push(ms);
      least = Math.min(least, answered.fuel ?? 0);
      most = Math.max(most, answered.fuel ?? 0);
    }
    const total = times.reduce((sum, ms) => sum + ms, 0);
    times.sort((a, b) => a - b);
    const privateBytes = hostMemory();
    return {
      hook: hook.name,
      phase,
      payloadBytes: Buffer.byteLength(JSON.stringify(payload)),
      calls,
      firstLoadMs: first.ms,
      loadMs: warm.ms,
      firstCallMs,
      p50Ms: times[Math.floor(calls * 0.5)] ?? 0,
      p99Ms: times[Math.floor(calls * 0.99)] ?? 0,
      callsPerSecond: (calls / total) * 1000,
      fuel: { least, most },
      ...(privateBytes === undefined ? {} : { privateBytes }),
    };
  } finally {
    await warm.close();
  }
}

function questionOf(
  { phase, input, config }: HookBenchOptions,
  { folder }: ManifestFile,
  env: Environment,
): { readonly phase: Phase; readonly given: Given; readonly config: Given } {
  const chosen = config === undefined ? undefined : readGiven(env.cwd, config);
  if (phase !== undefined && input !== undefined) {
    return { phase: phaseOf(phase), given: readGiven(env.cwd, input), config: chosen ?? { value: {} } };
  }
  if (phase !== undefined || input !== undefined) {
    throw new InputError({
      code: "usage",
      message: "`--phase` and `--input` belong together",
      hint: "leave both out to ask the first case of `cases.yaml`",
    });
  }
  const file = join(folder, "cases.yaml");
  const [one] = readCases(readBytes(env.cwd, file), file);
  if (one === undefined) throw new InputError({ code: "no-cases", message: `\`${file}\` has no cases` });
  return { phase: one.phase, given: { value: one.payload }, config: chosen ?? { value: one.config } };
}

function failure(cause: string, detail: string): DeniedError {
  return new DeniedError({ code: "hook-failed", message: `the hook failed (${cause}): ${detail}` });
}

/** Private pages of the one process below ours that runs the same Node. Linux only. */
function hostMemory(): number | undefined {
  try {
    const host = below("self").find((pid) => readlinkSync(`/proc/${pid}/exe`) === process.execPath);
    if (host === undefined) return undefined;
    const rollup = readFileSync(`/proc/${host}/smaps_rollup`, "latin1");
    return [...rollup.matchAll(/^Private_\w+:\s+(\d+) kB/gm)].reduce((sum, [, kb]) => sum + Number(kb) * 1024, 0);
  } catch (error) {
    // The system has no such file, or does not let us read it.
    if (error instanceof Error && "code" in error) return undefined;
    throw error;
  }
}

/** The processes that a process started, and those that these started. */
function below(pid: string): string[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, "latin1").split(" "),
  );
  return children.filter((child) => child !== "").flatMap((child) => [child, ...below(child)]);
}
