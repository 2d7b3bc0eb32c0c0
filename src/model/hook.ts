import type { Digest } from "./canonical.ts";
import type { HookManifest } from "./generated/hook.ts";
import type { Json, JsonObject } from "./json.ts";
import type { Phase, Role, Tier } from "./phase.ts";

/**
 * Limits of one hook. Times in ms, fuel in instructions, memory in pages of 64 KiB, sizes in bytes; counts are per call, but
 * for `files` and `fileBytes`, which are per run.
 */
export interface HookLimits {
  readonly deadlineMs: number;
  /** Of the deadline, what may pass while the hook waits for answers. */
  readonly hostcallMs: number;
  readonly fuel: number;
  readonly memoryPages: number;
  readonly tableEntries: number;
  readonly outputBytes: number;
  readonly hostcalls: number;
  readonly events: number;
  readonly eventBytes: number;
  readonly files: number;
  readonly fileBytes: number;
}

/** How long an instance of a hook lives: for all calls of a run, or for one call. */
export type InstanceLife = "run" | "call";

/** Directories that a hook may open, and the tools that it may request; empty unless the manifest asks and the blueprint grants. */
export interface HookAuthority {
  readonly tools: readonly string[];
  readonly files: readonly { readonly name: string; readonly path: string; readonly actions: readonly FileAction[] }[];
}
export type FileAction = "read" | "write";

/** A hook whose manifest was read, verified and bound to its configuration. */
export interface PinnedHook {
  readonly name: string;
  readonly version: string;
  /** sha256 of the manifest's bytes: what the blueprint pins. */
  readonly digest: Digest;
  /** sha256 of the component, as the manifest says. */
  readonly component: Digest;
  /** The WIT world that it is of, as the manifest says. */
  readonly world: HookWorld;
  readonly role: Role;
  readonly tier: Tier;
  /** sha256 of the signature's bytes, where the blueprint pins one. */
  readonly signature: Digest | null;
  /** Whose signature made it `trusted`. */
  readonly signer: Signer | null;
  readonly phases: readonly Phase[];
  readonly config: JsonObject;
  readonly instance: InstanceLife;
  readonly limits: HookLimits;
  readonly authority: HookAuthority;
}

export type HookWorld = HookManifest["spec"]["world"];

/** A key of the keyring: its name there, and the public key as text. */
export interface Signer {
  readonly id: string;
  readonly key: string;
}

export type Decision = "allow" | "block" | "transform";

/** Why a hook failed. The first four are recomputed on replay; the last four are imposed from `input.fault`. */
export const FAILURE_CAUSES = [
  "trap",
  "error",
  "malformed",
  "limit",
  "deadline",
  "host-died",
  "protocol",
  "missing-artifact",
] as const;
export type FailureCause = (typeof FAILURE_CAUSES)[number];

/** What a guest wrote that needed no answer, in its order. */
export type BufferedHostcall =
  | { readonly call: "emit-event"; readonly kind: string; readonly data: Json }
  | { readonly call: "write-capsule"; readonly kind: string; readonly value: Json }
  | { readonly call: "request-approval"; readonly request: Json }
  | { readonly call: "read-capsule"; readonly kind: string }
  | { readonly call: "now" }
  | { readonly call: "random"; readonly bytes: number };

export type HookOutcome =
  | { readonly kind: "verdict"; readonly decision: Decision; readonly rationale: string; readonly payload?: string }
  | { readonly kind: "failed"; readonly cause: FailureCause; readonly detail: string };

/** What comes out of a hook host while a batch runs. */
export type HookEvent =
  | {
      readonly kind: "result";
      readonly hook: string;
      readonly outcome: HookOutcome;
      /** Instructions that the call executed, up to where it failed if it did. */
      readonly fuel: number;
      readonly log: readonly BufferedHostcall[];
      /** Of a hook that rode along for the audit: the digest of the record that it saw. */
      readonly saw?: string;
    }
  | {
      readonly kind: "hostcall";
      readonly hook: string;
      /** `request-tool-call`, `sleep`, or `files.<function>`. */
      readonly call: string;
      readonly arguments: JsonObject;
      /** Instructions that the call has executed so far. */
      readonly fuel: number;
      /** What was buffered since the last event of this hook. */
      readonly log: readonly BufferedHostcall[];
    };

/** Consecutive hooks on one payload. The host runs them in order and stops after the first that does not answer `allow` or `block`. */
export interface HookBatch {
  readonly phase: Phase;
  /** Canonical JSON. */
  readonly payload: string;
  readonly hooks: readonly string[];
  /** The kernel's time, ms since the epoch: what a guest's clock shows. */
  readonly now: number;
  /** Current capsules by kind, canonical JSON. */
  readonly capsules: Readonly<Record<string, string>>;
  readonly audit?: AuditRide;
}

/**
 * Hooks of `audit` that ride along: asked in the same trip once all of `hooks` have answered `allow` or `block`. The host makes
 * the record that they see from those answers; the kernel makes it again and compares digests.
 */
export interface AuditRide {
  readonly hooks: readonly string[];
  readonly boundary: Phase;
  readonly step: number;
  readonly subject: string;
  /** Whether the effective permission denies, or a rule demands an approval that nobody gave, whatever hooks say. */
  readonly denied: boolean;
  /** Those whose demand of an approval is met: `hook <name>`. */
  readonly approved: readonly string[];
}

export interface HookSession {
  /**
   * The next event of the batch, or undefined when the batch is over (all hooks answered, or one answered `transform` or failed).
   * Throws `HostFault` when the deadline of the current hook passed, the process died or spoke garbage; the host is then dead.
   */
  next(): Promise<HookEvent | undefined>;
  /** Answers the hostcall that `next` returned last. `now` is the kernel's time, which may have moved meanwhile. */
  answer(answer: ({ readonly ok: Json } | { readonly error: string }) & { readonly now?: number }): void;
}

export interface LoadRequest {
  readonly hook: PinnedHook;
  /** Component bytes whose digest was verified by the caller. */
  readonly bytes: Uint8Array;
  /** 32 bytes, hex: the seed of this instance's random source. */
  readonly seed: string;
}

/** What came of loading a hook; `fuel` is what that took, in instructions. */
export type Loaded =
  | { readonly ok: true; readonly fuel: number }
  | { readonly ok: false; readonly fuel: number; readonly cause: FailureCause; readonly detail: string };

/** One hook host process: it serves one run and exits. */
export interface HookHost {
  /** Inspects, transpiles (or takes from the verified cache), ships, compiles, instantiates and configures one hook. Throws `HostFault`. */
  load(request: LoadRequest): Promise<Loaded>;
  begin(batch: HookBatch): HookSession;
  /**
   * The same without waiting until earlier batches are over: they are asked one after another, each when those before it are
   * over, also where one of them failed or changed its payload. For callers who know what is asked next, such as a replay.
   */
  beginAhead(batch: HookBatch): HookSession;
  readonly alive: boolean;
  /** Why it is dead; undefined while it lives. */
  readonly fault: HostFault | undefined;
  /** SIGKILL; resolves when the process is gone. Idempotent. */
  kill(): Promise<void>;
}

/** Something that confines hook hosts, and whether it does on this machine. */
export interface HostLayer {
  readonly name: "permission" | "environment" | "wasm-caps" | "pdeathsig" | "privileges" | "rlimits" | "bwrap";
  readonly active: boolean;
  /** In words for people: what was found. */
  readonly detail: string;
}

export interface OpenRequest {
  /**
   * Whether the deadlines of hooks count, asked whenever one begins. They do not while a record is replayed, where recorded
   * faults are imposed instead: on a slower machine one would pass that did not pass before.
   */
  readonly deadlines: boolean | (() => boolean);
  /** The tier of the hooks that it is for: others are not loaded into it. `sandboxed` when left out. */
  readonly tier?: Tier;
  /** For whom hosts are held already, as a hook waits for what it has requested: such an open never waits for others. */
  readonly nested?: boolean;
  /** Aborted: gives up waiting. */
  readonly signal?: AbortSignal;
}

export interface HookHosts {
  /**
   * A blank process: a prewarmed spare if there is one. At most so many are alive; others wait their turn. One that did not
   * come up is dead, which is found when it is loaded. Throws `HostFault` when the hosts are closed meanwhile, `WorldError`
   * when `signal` is aborted while it waits.
   */
  open(request: OpenRequest): Promise<HookHost>;
  /** What confines the hosts, looked at in one that has started; starts one for it where there is none. Empty when none comes up. */
  layers(): Promise<readonly HostLayer[]>;
  /** Kills everything, spares too. */
  close(): Promise<void>;
}

/** Kinds of `HostFault`. */
export const HOST_FAULTS = ["deadline", "host-died", "protocol", "missing-artifact"] as const;
export type HostFaultKind = (typeof HOST_FAULTS)[number];

/** The wall clock, SIGKILL, or the death of a process: not recomputable, recorded as `input.fault`. */
export class HostFault extends Error {
  readonly fault: HostFaultKind;
  readonly hook: string | undefined;
  constructor(fault: HostFaultKind, hook: string | undefined, detail: string) {
    super(detail);
    this.name = "HostFault";
    this.fault = fault;
    this.hook = hook;
  }
}
