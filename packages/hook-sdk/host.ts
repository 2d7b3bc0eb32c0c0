/**
 * The hostcalls of `pinion:hook/host`, with JSON values. Each is in the journal of the run and counts against the limits of
 * the manifest (`hostcalls`, `events`, `eventBytes`). What the host refuses is an `Error` that may be caught; going over a limit
 * ends the call, and catching it does not help.
 */
import * as host from "pinion:hook/host@1.0.0";
import type { CapsuleKind, Json, JsonObject } from "./payloads.ts";
import { plainErrors } from "./refusal.ts";

/** Reports something; `kind` is `[a-z][a-z0-9-]*`, at most 64 characters. */
export function emit(kind: string, data: Json): void {
  plainErrors(() => host.emitEvent(kind, JSON.stringify(data)));
}

/** The current capsule of a kind. */
export function readCapsule(kind: CapsuleKind): Json | undefined {
  const text = plainErrors(() => host.readCapsule(kind));
  return text === undefined || text === null ? undefined : (JSON.parse(text) as Json);
}

/** Replaces the capsule of a kind; the value must fit its schema and byte budget (`schemas/capsules.v1.json`). */
export function writeCapsule(kind: CapsuleKind, value: Json): void {
  plainErrors(() => host.writeCapsule(kind, JSON.stringify(value)));
}

/** Has the kernel make a tool call, through the whole chain. The manifest must ask for the tool and the blueprint grant it. At most 1 MiB. */
export function requestToolCall(tool: string, args: JsonObject): Json {
  return JSON.parse(plainErrors(() => host.requestToolCall(tool, JSON.stringify(args)))) as Json;
}

/** Demands that a person approves what this boundary is about. Returns at once; until then the verdict counts as a block. At most 64 KiB. */
export function requestApproval(request: Json): void {
  plainErrors(() => host.requestApproval(JSON.stringify(request)));
}

/** Cryptographically strong bytes, at most 1024 a call; the same again on replay. */
export function random(length: number): Uint8Array {
  return plainErrors(() => host.random(length));
}

/** The run's clock in ms since the epoch. It stands still during a call, except across calls into the world. */
export function now(): number {
  return Number(host.now());
}

/** Waits, at most 60,000 ms; the time counts against `deadlineMs` and `hostcallMs`. */
export function sleep(milliseconds: number): void {
  plainErrors(() => host.sleep(milliseconds));
}
