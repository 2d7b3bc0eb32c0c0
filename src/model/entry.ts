import type { Digest } from "./canonical.ts";
import type { Json, JsonObject } from "./json.ts";

/** What the world answered. Bodies are sealed. */
export const INPUT_KINDS = [
  /** Goal, workspace, seed: what the run starts from. */
  "input.start",
  "input.model",
  /** What a tool call names in the world: files, executables, digests. */
  "input.resolve",
  "input.tool",
  /** A hook's file hostcall. */
  "input.file",
  /** A hook's sleep. */
  "input.sleep",
  /** Pause, resume, cancel, re-arm, revoke: what a person asked for. */
  "input.control",
  /** What cannot be recomputed: a deadline, a dead hook host, a missing artifact. */
  "input.fault",
] as const;
export type InputKind = (typeof INPUT_KINDS)[number];

/** What the kernel computed. Replay computes it again and compares. */
export const CHECK_KINDS = [
  /** The chain of hooks that was loaded, and what became of each. */
  "check.hooks",
  /** One boundary: the payload that was let through, every verdict, what it came to. */
  "check.boundary",
  /** What a guest did before a hostcall that goes into the world. */
  "check.hostcalls",
  /** The layers whose intersection is the effective permission of the run. */
  "check.permission",
  /** What a shadow said of a boundary. It is never obeyed. */
  "check.shadow",
  /** A lease that was minted, attenuated, delegated, used, revoked, or that has expired. */
  "check.lease",
  /** An approval that an action needs, or what became of it. */
  "check.approval",
  /** An effect is about to start: kind, what, receipt. Durable before the effect. */
  "check.intent",
  /** A call that is refused before any boundary: no such tool, arguments that do not fit, a hostcall without the authority. */
  "check.refused",
  /** A change of the run's state. */
  "check.state",
  /** Budget arithmetic that ended or paused the run, or refused what would have gone beyond. */
  "check.limit",
  /** Messages that were replaced by stubs to keep the context bounded. */
  "check.context",
  /** The last entry of a run that ended. */
  "check.end",
] as const;
export type CheckKind = (typeof CHECK_KINDS)[number];
export type EntryKind = InputKind | CheckKind;

/** One line of a journal. The line is the canonical JSON of this object, LF-terminated. */
export interface Entry {
  readonly seq: number;
  readonly kind: EntryKind;
  /** sha256 of the previous line's bytes without its LF; for seq 0, of the header line. */
  readonly prev: Digest;
  /** Inputs only: ms since the epoch. The kernel's time is the last input's `at`. */
  readonly at?: number;
  /** Inputs only: ms of monotonic time that the run has been worked on up to here, over all resumes; never decreasing. */
  readonly ran?: number;
  readonly body: JsonObject;
}

/** The body of an input entry. */
export interface SealedBody {
  /** In clear: enough to see what the input belongs to, nothing that a hook did not let through. */
  readonly ref: JsonObject;
  /** HMAC-SHA256 over the plaintext under a key derived from the run key: `hmac-sha256:` and 64 hex digits. */
  readonly commit: string;
  /** AES-256-GCM of canonical `{request, outcome}`: base64 of nonce (12), ciphertext, tag (16). Absent when `blob` is there. */
  readonly sealed?: string;
  /** sha256 of a sealed blob beside the journal, for large bodies. */
  readonly blob?: Digest;
}

/** How an input came out. */
export type Outcome<A extends Json = Json> =
  | { readonly kind: "ok"; readonly value: A }
  /** The world said no: `code` and `message` are part of the answer. */
  | { readonly kind: "error"; readonly code: string; readonly message: string }
  /** The run crashed after the intent and before the outcome; the effect may or may not have happened. */
  | { readonly kind: "unknown" };

/** Names the boundary that let an effect through: its entry and the digest of its line. */
export interface Receipt {
  readonly [key: string]: Json;
  readonly seq: number;
  readonly entry: Digest;
}

export interface InputSpec<A extends Json> {
  readonly kind: InputKind;
  /** In clear. */
  readonly ref: JsonObject;
  /** What is asked; sealed with the answer and compared on replay. */
  readonly request: Json;
  /**
   * Present when asking changes the world. The journal appends `check.intent` {kind, ref, receipt, ...clear}
   * and makes everything durable before `perform` starts.
   */
  readonly effect?: { readonly receipt: Receipt; readonly clear: JsonObject; readonly idempotent: boolean };
  /** Whether a recorded value has the form that `perform` gives it; whoever holds the run's key may have written another. */
  fits?(value: Json): boolean;
  /** A rejection becomes an `error` outcome with the error's `code` (or `internal`) and message. */
  perform(signal: AbortSignal): Promise<A>;
}

/** What a person asks of a run. */
export type Control =
  | { readonly kind: "pause"; readonly by: string }
  | { readonly kind: "resume"; readonly by: string }
  | { readonly kind: "cancel"; readonly by: string }
  | { readonly kind: "rearm"; readonly hook: string; readonly reason: string; readonly by: string }
  /** Takes back the directory handles of a hook; it is given none any more in this run. */
  | { readonly kind: "revoke"; readonly hook: string; readonly reason: string; readonly by: string }
  /** The signature of a hook no longer counts on this machine: the run stops at the next boundary and stays stopped. */
  | { readonly kind: "distrust"; readonly hook: string; readonly reason: string; readonly by: string }
  /** Layers of permission that hold from now on as well: the policies of the machine and the user have changed since the run started. */
  | { readonly kind: "narrow"; readonly layers: readonly JsonObject[]; readonly by: string }
  /** Takes back a lease and all that came from it. */
  | { readonly kind: "revoke-lease"; readonly lease: string; readonly reason: string; readonly by: string }
  /** An answer to an approval. `user`: of the operating system. `signed`: the envelope of an answer that an approver's key signed. */
  | {
      readonly kind: "answer";
      readonly approval: string;
      readonly answer: ApprovalAnswer;
      readonly by: string;
      readonly user: string;
      readonly signed?: JsonObject;
    };

/** `pattern`: what the answer covers besides the action itself, in the form that the kind of tool has for it. */
export type ApprovalAnswer =
  | { readonly approve: false; readonly reason: string }
  | { readonly approve: true; readonly scope: "once" | "run"; readonly reason?: string }
  | { readonly approve: true; readonly scope: "pattern"; readonly pattern: Json; readonly reason?: string };

export type Recorded = { readonly kind: CheckKind; readonly body: JsonObject; readonly seq: number };

/**
 * The journal as the kernel sees it. Live, resumed and replayed runs differ only behind this interface.
 * Everything rejects with `DivergenceError` when a replay meets something else than what was recorded,
 * and with `WorldError` when the disk does not hold what it was given; the run stops then.
 */
export interface Journal {
  /** ms since the epoch: the last input's `at` (0 before the first). */
  now(): number;
  /**
   * ms that the run has been worked on: the last input's `ran` (0 before the first). Not counted is while it waited for a
   * person, while no process ran, and what a resume replays; jumps of the wall clock do not move it.
   */
  ran(): number;
  /** Appends what the kernel computed, or compares it with the recording. */
  check(kind: CheckKind, body: JsonObject): Receipt;
  /** One door to the world. No check may be appended until it settles. */
  input<A extends Json>(spec: InputSpec<A>): Promise<Outcome<A>>;
  /** Several at once: all intents first, then all performed together; outcomes in the order of `specs`, entries in the order of completion. */
  inputs<A extends Json>(specs: readonly InputSpec<A>[]): Promise<Outcome<A>[]>;
  /** The next thing that a person asked for, if any: live from the queue, on replay when the recording has one here. */
  poll(): Control | undefined;
  /**
   * Waits for something that the wall clock or the death of a process may cut short. Live: a `HostFault` is appended
   * as `input.fault` and thrown again. Replay: if the recording has a fault for `ref` here, it is thrown without waiting.
   */
  faultable<T>(ref: JsonObject, wait: () => Promise<T>): Promise<T>;
  /** What passes during `work` is not time that the run has been worked on: limits and hooks do not see it. Not nested. */
  untimed<T>(work: () => Promise<T>): Promise<T>;
  /** Resolves when everything appended is on disk (fdatasync). */
  durable(): Promise<void>;
  /** A keyed commitment to a text that may hold secrets: HMAC-SHA256, `hmac-sha256:<hex>`. */
  commitment(text: string): string;
  /** Replay without the run key: what comes next needs a body that cannot be opened. `input` would throw `InputError` (`sealed`). */
  sealedAhead?(): boolean;
  /** Passes recorded entries up to the next `check.boundary` and takes that as recorded; undefined at the end of the recording. */
  adopt?():
    | (Recorded & {
        readonly passed: readonly EntryKind[];
        readonly permissions: readonly Recorded[];
        /** Whether one of those was passed that say that a hook is no longer trusted. */
        readonly distrusts: boolean;
      })
    | undefined;
}
