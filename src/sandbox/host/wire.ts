import { Buffer } from "node:buffer";
import type { AuditRide, BufferedHostcall, HookEvent, HookLimits, InstanceLife, Loaded } from "../../model/hook.ts";
import type { Json } from "../../model/json.ts";
import type { Phase, Role } from "../../model/phase.ts";

/**
 * What is spoken over the two pipes between Pinion and a hook host: frames of
 * `u32le length of the head | u32le length of the body | head (JSON, UTF-8) | body (bytes)`.
 * Both ends refuse what is larger than their bounds before they buffer it.
 */

export interface LoadMessage {
  readonly kind: "load";
  readonly hook: string;
  readonly role: Role;
  readonly instance: InstanceLife;
  /** Whether it may make leases. */
  readonly mints?: boolean;
  readonly limits: HookLimits;
  /** Canonical JSON. */
  readonly config: string;
  /** 32 bytes, hex. */
  readonly seed: string;
  /** The glue first. The body holds those one after another that this process does not hold yet. */
  readonly files: readonly SentFile[];
}

export interface SentFile {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** sha256: hooks of one toolchain share most of their code. */
  readonly digest: string;
  /** A core module with this digest was sent before, so it is not in the body. */
  readonly held: boolean;
}

export interface BatchMessage {
  readonly kind: "batch";
  /** Comes back with every event, so that what was said too late or too often is noticed. */
  readonly batch: number;
  readonly phase: Phase;
  readonly payload: string;
  readonly hooks: readonly string[];
  readonly now: number;
  readonly capsules: Readonly<Record<string, string>>;
  readonly audit?: AuditRide;
}

export type AnswerMessage = { readonly kind: "answer"; readonly now?: number } & (
  | { readonly ok: Json }
  | { readonly error: string }
);

export type ToHost = LoadMessage | BatchMessage | AnswerMessage;

/** What a hook host finds when it tries what it must not be able to do, before anything else. */
export interface SelfCheck {
  /** Whether files, processes, workers, and the network are denied. */
  readonly permission: boolean;
  /** Names of environment variables. */
  readonly environment: readonly string[];
  /** Whether V8 denies memories and tables of Wasm beyond its caps. */
  readonly wasmCaps: boolean;
}

export type FromHost =
  | ({ readonly kind: "ready" } & SelfCheck)
  | ({ readonly kind: "loaded" } & Loaded)
  | (HookEvent & { readonly batch: number });

export type Log = readonly BufferedHostcall[];

export interface FrameBounds {
  readonly head: number;
  readonly body: number;
}

const MiB = 1024 * 1024;
/** Towards the host: payloads, and the code of one component. */
export const TO_HOST: FrameBounds = { head: 128 * MiB, body: 64 * MiB };
/** From the host: verdicts, hostcalls and their logs; never bytes. */
export const FROM_HOST: FrameBounds = { head: 128 * MiB, body: 0 };

export interface Frame {
  readonly head: unknown;
  readonly body: Uint8Array;
}

/** The largest memory of Wasm in pages of 64 KiB and the largest table in entries: ceilings of V8, above what any hook may be allowed. */
export const WASM_CAPS = { pages: 8192, entries: 1_000_000 } as const;

/** The exit code of a hook host that ran out of memory or stack where the limits allowed it to go on. */
export const EXHAUSTED = 71;

const PREFIX = 8;

export function encodeFrame(head: object, body: readonly Uint8Array[] = []): Buffer {
  const text = Buffer.from(JSON.stringify(head));
  const prefix = Buffer.alloc(PREFIX);
  prefix.writeUInt32LE(text.length, 0);
  prefix.writeUInt32LE(
    body.reduce((sum, part) => sum + part.length, 0),
    4,
  );
  return Buffer.concat([prefix, text, ...body]);
}

/** Takes chunks as they come and gives whole frames. Throws `FrameError` on the first frame that breaks the rules. */
export class FrameDecoder {
  readonly #bounds: FrameBounds;
  #chunks: Buffer[] = [];
  #have = 0;
  #need = PREFIX;
  #head = -1;

  constructor(bounds: FrameBounds) {
    this.#bounds = bounds;
  }

  push(chunk: Buffer): Frame[] {
    this.#chunks.push(chunk);
    this.#have += chunk.length;
    const frames: Frame[] = [];
    while (this.#have >= this.#need) {
      const taken = this.#take(this.#need);
      if (this.#head < 0) {
        this.#prefix(taken);
      } else {
        frames.push({ head: parse(taken.subarray(0, this.#head)), body: taken.subarray(this.#head) });
        this.#head = -1;
        this.#need = PREFIX;
      }
    }
    return frames;
  }

  #prefix(prefix: Buffer): void {
    const head = prefix.readUInt32LE(0);
    const body = prefix.readUInt32LE(4);
    if (head > this.#bounds.head || body > this.#bounds.body) {
      throw new FrameError(`a frame of ${head} + ${body} bytes, allowed ${this.#bounds.head} + ${this.#bounds.body}`);
    }
    this.#head = head;
    this.#need = head + body;
  }

  #take(length: number): Buffer {
    const all =
      this.#chunks.length === 1 && this.#chunks[0] ? this.#chunks[0] : Buffer.concat(this.#chunks, this.#have);
    this.#have -= length;
    this.#chunks = this.#have > 0 ? [all.subarray(length)] : [];
    return all.subarray(0, length);
  }
}

export class FrameError extends Error {}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch {
    throw new FrameError("a frame whose head is not JSON");
  }
}
