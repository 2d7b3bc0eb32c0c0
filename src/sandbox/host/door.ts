import { Buffer } from "node:buffer";
import type { BufferedHostcall, FailureCause, HookLimits } from "../../model/hook.ts";
import type { Json, JsonObject } from "../../model/json.ts";
import { CAPSULE_KINDS, type CapsuleKind } from "../../model/phase.ts";
import { guestJson } from "./guest-json.ts";
import { randomSource } from "./random.ts";
import type { AnswerMessage } from "./wire.ts";

/** Bytes of one capsule, approval request, or the arguments of a tool call. */
const MAX_VALUE_BYTES = 64 * 1024;
const MAX_ARGUMENT_BYTES = 1024 * 1024;
/** Bytes of all capsules and approval requests of one call together: they wait here until they are shipped. */
const MAX_BUFFERED_BYTES = 1024 * 1024;
const MAX_NAME = 4096;
const MAX_RANDOM = 1024;
const EVENT_KIND = /^[a-z][a-z0-9-]{0,63}$/;

/** What a batch brings along for its hooks. */
export interface Surroundings {
  readonly now: number;
  readonly capsules: Readonly<Record<string, string>>;
}

export interface Failure {
  readonly cause: FailureCause;
  readonly detail: string;
}

/**
 * Sends a hostcall that needs an answer, with what was buffered before it and the fuel used up to it, and blocks until the
 * answer is there.
 */
export type Ask = (call: string, request: JsonObject, log: readonly BufferedHostcall[], fuel: number) => AnswerMessage;

type DoorAsk = (call: string, request: JsonObject, log: readonly BufferedHostcall[]) => AnswerMessage;

/** Ends a call from inside a hostcall. The glue passes it on as a trap; a guest that caught it would find the door dead. */
export class Abort extends Error {}

/** What a hostcall's `result` carries to the guest as its error. The glue looks for `payload`. */
class Refusal {
  readonly payload: string;
  constructor(payload: string) {
    this.payload = payload;
  }
}

/**
 * All that one instance can call. Counts are per call of the instance and depend on nothing but what the guest did.
 * Between calls the door is shut.
 */
export class Door {
  readonly #limits: HookLimits;
  readonly #mints: boolean;
  readonly #ask: DoorAsk;
  readonly #random: (length: number) => Uint8Array;
  #open: { now: number; readonly capsules: Map<string, string> } | undefined;
  #log: BufferedHostcall[] = [];
  #hostcalls = 0;
  #events = 0;
  #eventBytes = 0;
  #bufferedBytes = 0;
  #failure: Failure | undefined;

  constructor(parts: {
    readonly limits: HookLimits;
    readonly seed: string;
    /** Whether it may make leases. */
    readonly mints?: boolean;
    readonly ask: DoorAsk;
  }) {
    this.#mints = parts.mints ?? false;
    this.#limits = parts.limits;
    this.#ask = parts.ask;
    this.#random = randomSource(parts.seed);
  }

  open(surroundings: Surroundings): void {
    this.#open = { now: surroundings.now, capsules: new Map(Object.entries(surroundings.capsules)) };
    this.#log = [];
    this.#hostcalls = 0;
    this.#events = 0;
    this.#eventBytes = 0;
    this.#bufferedBytes = 0;
    this.#failure = undefined;
  }

  /** Why the call failed in a hostcall, if it did. */
  get failure(): Failure | undefined {
    return this.#failure;
  }

  /** Ends a call; what was buffered since its last event. */
  close(): readonly BufferedHostcall[] {
    this.#open = undefined;
    const log = this.#log;
    this.#log = [];
    return log;
  }

  /** The import object: this list and nothing else. */
  imports(): Record<string, Record<string, (...values: never[]) => unknown>> {
    return {
      "pinion:hook/types": {},
      "pinion:hook/host": {
        emitEvent: (kind: string, data: string) => this.#emit(kind, data),
        readCapsule: (kind: string) => this.#readCapsule(kind),
        writeCapsule: (kind: string, value: string) => this.#writeCapsule(kind, value),
        requestToolCall: (tool: string, text: string) => this.#requestTool(tool, text),
        requestApproval: (request: string) => this.#requestApproval(request),
        random: (length: number) => this.#draw(length),
        now: () => this.#now(),
        sleep: (milliseconds: number) => void this.#trip("sleep", { milliseconds }),
      },
      "pinion:hook/files": {
        openRoot: (name: string) => text(this.#trip("files.open-root", { name })),
        openDirectory: (directory: string, path: string) =>
          text(this.#trip("files.open-directory", { directory, path })),
        list: (directory: string, path: string) => entries(this.#trip("files.list", { directory, path })),
        stat: (directory: string, path: string) => entry(this.#trip("files.stat", { directory, path })),
        read: (directory: string, path: string, offset: bigint, length: number) =>
          this.#read(directory, path, offset, length),
        write: (directory: string, path: string, data: Uint8Array) => this.#write(directory, path, data),
        createDirectory: (directory: string, path: string) =>
          void this.#trip("files.create-directory", { directory, path }),
        remove: (directory: string, path: string) => void this.#trip("files.remove", { directory, path }),
        rename: (directory: string, source: string, target: string) =>
          void this.#trip("files.rename", { directory, source, target }),
      },
      "pinion:hook/leases": {
        request: (capability: string) => text(this.#trip("leases.request", { capability })),
      },
      ...(this.#mints ? { "pinion:hook/minting": this.#minting() } : {}),
    };
  }

  #minting(): Record<string, (...values: never[]) => unknown> {
    return {
      mint: (holder: string, capability: string) => text(this.#trip("minting.mint", { holder, capability })),
      attenuate: (lease: string, capability: string) => text(this.#trip("minting.attenuate", { lease, capability })),
      delegate: (lease: string, holder: string, capability: string) =>
        text(this.#trip("minting.delegate", { lease, holder, capability })),
      revoke: (lease: string) => void this.#trip("minting.revoke", { lease }),
    };
  }

  /** Every hostcall passes here first. */
  #enter(): { now: number; readonly capsules: Map<string, string> } {
    if (this.#failure) throw new Abort(this.#failure.detail);
    if (!this.#open) return this.#fail("error", "a hostcall outside `handle`");
    this.#hostcalls += 1;
    this.#within("hostcalls", this.#hostcalls);
    return this.#open;
  }

  #within(name: "hostcalls" | "events" | "eventBytes" | "bufferedBytes", used: number): void {
    const allowed = name === "bufferedBytes" ? MAX_BUFFERED_BYTES : this.#limits[name];
    if (used > allowed) this.#fail("limit", `\`${name}\`: allowed ${allowed}, used ${used}`);
  }

  #fail(cause: FailureCause, detail: string): never {
    this.#failure = { cause, detail };
    throw new Abort(detail);
  }

  #emit(kind: string, data: string): void {
    this.#enter();
    this.#events += 1;
    this.#within("events", this.#events);
    this.#eventBytes += Buffer.byteLength(kind) + Buffer.byteLength(data);
    this.#within("eventBytes", this.#eventBytes);
    if (!EVENT_KIND.test(kind)) throw new Refusal("the kind of an event is `[a-z][a-z0-9-]*`, at most 64 characters");
    this.#log.push({ call: "emit-event", kind, data: json(data, "`data`", this.#limits.eventBytes) });
  }

  #readCapsule(kind: string): string | undefined {
    const { capsules } = this.#enter();
    const known = capsuleKind(kind);
    this.#log.push({ call: "read-capsule", kind: known });
    return capsules.get(known);
  }

  /** The guest sees what it wrote for the rest of its call; whether it is kept is for the kernel to say. */
  #writeCapsule(kind: string, text: string): void {
    const { capsules } = this.#enter();
    this.#buffer(text);
    const known = capsuleKind(kind);
    const value = json(text, "`value`", MAX_VALUE_BYTES);
    this.#log.push({ call: "write-capsule", kind: known, value });
    capsules.set(known, text);
  }

  #requestApproval(text: string): void {
    this.#enter();
    this.#buffer(text);
    this.#log.push({ call: "request-approval", request: json(text, "`request`", MAX_VALUE_BYTES) });
  }

  #buffer(text: string): void {
    this.#bufferedBytes += Buffer.byteLength(text);
    this.#within("bufferedBytes", this.#bufferedBytes);
  }

  #draw(length: number): Uint8Array {
    this.#enter();
    if (length > MAX_RANDOM) throw new Refusal(`at most ${MAX_RANDOM} random bytes a call`);
    this.#log.push({ call: "random", bytes: length });
    return this.#random(length);
  }

  #now(): bigint {
    const { now } = this.#enter();
    this.#log.push({ call: "now" });
    return BigInt(Math.trunc(now));
  }

  #requestTool(tool: string, text: string): string {
    const value = () => json(text, "`arguments`", MAX_ARGUMENT_BYTES);
    return JSON.stringify(this.#trip("request-tool-call", () => ({ tool, arguments: value() })));
  }

  #read(directory: string, path: string, offset: bigint, length: number): Uint8Array {
    const request = () => {
      if (offset > BigInt(Number.MAX_SAFE_INTEGER)) throw new Refusal("`offset` is beyond every file");
      return { directory, path, offset: Number(offset), length };
    };
    return Uint8Array.from(Buffer.from(text(this.#trip("files.read", request)), "base64"));
  }

  #write(directory: string, path: string, data: Uint8Array): void {
    const request = () => {
      if (data.length > MAX_ARGUMENT_BYTES) throw new Refusal(`at most ${MAX_ARGUMENT_BYTES} bytes a write`);
      return { directory, path, data: Buffer.from(data).toString("base64") };
    };
    this.#trip("files.write", request);
  }

  #trip(call: string, request: JsonObject | (() => JsonObject)): Json {
    const open = this.#enter();
    const asked = typeof request === "function" ? request() : request;
    for (const [name, value] of Object.entries(asked)) {
      if (name !== "data" && typeof value === "string" && value.length > MAX_NAME) {
        throw new Refusal(`\`${name}\` is longer than ${MAX_NAME} characters`);
      }
    }
    const log = this.#log;
    this.#log = [];
    const answer = this.#ask(call, asked, log);
    if (answer.now !== undefined) open.now = answer.now;
    if ("error" in answer) throw new Refusal(answer.error);
    return answer.ok;
  }
}

function capsuleKind(kind: string): CapsuleKind {
  const known = CAPSULE_KINDS.find((name) => name === kind);
  if (known === undefined) throw new Refusal(`the kinds of capsules are ${CAPSULE_KINDS.join(", ")}`);
  return known;
}

function json(text: string, what: string, maxBytes: number): Json {
  if (Buffer.byteLength(text) > maxBytes) throw new Refusal(`${what} is longer than ${maxBytes} bytes`);
  const value = guestJson(text);
  if (value === undefined) throw new Refusal(`${what} is not JSON`);
  return value;
}

/** What the kernel answers has been made by Pinion itself: another shape is a bug, and ends the process. */
function text(answer: Json): string {
  if (typeof answer !== "string") throw new Bug("an answer that is no text");
  return answer;
}

function entries(answer: Json): unknown[] {
  if (!Array.isArray(answer)) throw new Bug("an answer that is no list");
  return answer.map(entry);
}

function entry(answer: Json): unknown {
  const { name, kind, size } = Object(answer);
  if (typeof name !== "string" || typeof kind !== "string" || !Number.isSafeInteger(size)) {
    throw new Bug("an answer that is no directory entry");
  }
  return { name, kind: kind === "file" || kind === "directory" ? kind : "other", size: BigInt(size) };
}

export class Bug extends Error {}
