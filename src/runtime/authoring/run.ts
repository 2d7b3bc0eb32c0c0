import { statSync } from "node:fs";
import { resolve as absolute } from "node:path";
import { dotted, InvalidFileError } from "../../blueprint/fault.ts";
import {
  bindHook,
  checkComponent,
  type Given,
  loadManifest,
  type ManifestFile,
  readComponent,
} from "../../blueprint/manifest.ts";
import { EXIT, type ExitCode, InputError } from "../../model/errors.ts";
import type { HookLimits, PinnedHook } from "../../model/hook.ts";
import { PHASES, type Phase } from "../../model/phase.ts";
import { payloadFaults } from "../../pipeline/schemas.ts";
import { type Environment, hookHosts } from "../machine.ts";
import { manifestPath, readGiven } from "./locate.ts";
import { type Answered, Trial } from "./trial.ts";

export interface HookRunOptions {
  /** A manifest, or the folder that holds a `hook.yaml`. */
  readonly manifest: string;
  readonly phase: string;
  /** The payload, YAML or JSON; `-` is standard input. */
  readonly input: string;
  readonly config?: string | undefined;
  /** Grants the hook the files that its manifest asks for, below this folder. */
  readonly workspace?: string | undefined;
  onNotice(text: string): void;
}

/** What `hook run --json` prints, without `exit`. */
export interface HookRun extends Answered {
  readonly hook: string;
  readonly version: string;
  readonly phase: Phase;
  readonly limits: HookLimits;
  readonly exit: ExitCode;
}

/** A hook with its verified component, ready to be tried. */
export interface Ready {
  readonly hook: PinnedHook;
  readonly bytes: Uint8Array;
}

/** Asks a hook once. Throws `InputError` and `IntegrityError` for what is wrong with the files. */
export async function runHook(options: HookRunOptions, env: Environment): Promise<HookRun> {
  const phase = phaseOf(options.phase);
  const given = options.config === undefined ? { value: {} } : readGiven(env.cwd, options.config);
  const workspace = folderOf(options.workspace, env.cwd);
  const ready = await readyHook(await loadManifest(manifestPath(env.cwd, options.manifest)), given, workspace);
  const payload = payloadOf(readGiven(env.cwd, options.input), phase, ready.hook);
  const hosts = await hookHosts(env, { spares: 0, onWarning: options.onNotice });
  try {
    const trial = new Trial({ hosts, bytes: ready.bytes, workspace, now: () => env.now() });
    const answered = await loadAndAsk(trial, ready.hook, { phase, payload, capsules: {} });
    const { name: hook, version, limits } = ready.hook;
    return { hook, version, phase, ...answered, limits, exit: exitOf(answered) };
  } finally {
    await hosts.close();
  }
}

/** Loading is part of the first call: what goes wrong there is the answer. */
export async function loadAndAsk(
  trial: Trial,
  hook: PinnedHook,
  question: Parameters<Trial["ask"]>[1],
): Promise<Answered> {
  const loaded = await trial.load(hook);
  if (loaded.ok) return trial.ask(hook, question);
  const { cause, detail, fuel } = loaded;
  return { decision: "failed", cause, rationale: detail, events: [], capsules: [], approvals: [], calls: [], fuel };
}

/** Reads the component of a manifest, and binds the configuration. */
export async function readyHook(file: ManifestFile, given: Given, workspace: string | undefined): Promise<Ready> {
  const bytes = await readComponent(file);
  checkComponent(file, bytes);
  const { files } = file.manifest.spec.authority;
  return { bytes, hook: bindHook(file, given, { tools: [], files: workspace === undefined ? [] : files }) };
}

/** The payload, which must be one that a run could have. Throws `InvalidFileError`, and `InputError` for a phase that is not the hook's. */
export function payloadOf({ value, document }: Given, phase: Phase, { name, phases }: PinnedHook): Given["value"] {
  if (!phases.includes(phase)) {
    const message = `the hook \`${name}\` is not asked at \`${phase}\`: its manifest lists ${phases.join(", ")}`;
    throw new InputError({ code: "bad-phase", message });
  }
  const findings = payloadFaults(phase, value).map(({ pointer, message }) => ({
    pointer,
    message: `this is no payload of \`${phase}\`: ${pointer === "" ? "" : `${dotted(pointer)}: `}${message}`,
  }));
  if (findings.length > 0 && document !== undefined) throw new InvalidFileError(document.faults(findings));
  if (findings.length > 0) throw new InputError({ code: "bad-payload", message: findings[0]?.message ?? "" });
  return value;
}

export function phaseOf(text: string): Phase {
  const phase = PHASES.find((name) => name === text);
  if (phase !== undefined) return phase;
  throw new InputError({
    code: "bad-phase",
    message: `there is no phase \`${text}\`: expected one of ${PHASES.join(", ")}`,
  });
}

/** An approval that is demanded counts as a block until somebody gives it, and nobody is there to ask. */
function exitOf({ decision, approvals }: Answered): ExitCode {
  if (decision === "block" || decision === "failed") return EXIT.blocked;
  return approvals.length > 0 ? EXIT.approval : EXIT.ok;
}

function folderOf(given: string | undefined, cwd: string): string | undefined {
  if (given === undefined) return undefined;
  const path = absolute(cwd, given);
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return path;
  throw new InputError({ code: "no-workspace", message: `the workspace \`${given}\` is no folder` });
}
