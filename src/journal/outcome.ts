import { canonicalJson } from "../model/canonical.ts";
import type { InputSpec } from "../model/entry.ts";
import { BugError, InputError, UnfinishedError } from "../model/errors.ts";
import type { Json } from "../model/json.ts";

/** Bytes of a request with its outcome; as base64 it fits into one line. */
export const MAX_CONTENT = 23 * 1024 * 1024;
const ROOM_FOR_AN_ERROR = 64 * 1024;
const MAX_MESSAGE = 16 * 1024;

/** One thing asked of the world, its texts fixed before anything happens. */
export interface Asked<A extends Json> {
  readonly spec: InputSpec<A>;
  /** Canonical JSON. */
  readonly ref: string;
  readonly request: string;
}

/** Throws `InputError` when ref or request have no JSON form or are too large, before anything was done. */
export function toAsked<A extends Json>(spec: InputSpec<A>): Asked<A> {
  const request = canonicalJson(spec.request);
  if (Buffer.byteLength(request) > MAX_CONTENT - ROOM_FOR_AN_ERROR) {
    const message = `a request \`${spec.kind}\` of ${Buffer.byteLength(request)} bytes does not fit into a journal: expected at most ${MAX_CONTENT - ROOM_FOR_AN_ERROR}`;
    throw new InputError({ code: "too-large", message });
  }
  return { spec, ref: canonicalJson(spec.ref), request };
}

/** In a group, kind and ref tell the answers apart. */
export function mustBeDistinct(asked: readonly Asked<Json>[]): void {
  const names = asked.map(({ spec, ref }) => `${spec.kind} ${ref}`);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) {
    throw new BugError({ code: "same-ref", message: `two inputs of a group have the same kind and ref, \`${twice}\`` });
  }
}

/**
 * The outcome of asking, as canonical JSON. What is no JSON or too large is an error outcome: the effect has happened. Throws
 * `UnfinishedError` where there is none.
 */
export async function settle<A extends Json>({ spec, request }: Asked<A>, signal: AbortSignal): Promise<string> {
  // What has not begun when somebody stops the run does not begin any more; what the run is for is known in any case.
  if (signal.aborted && spec.kind !== "input.start")
    return errorOutcome("cancelled", "the run was stopped before this began");
  try {
    const value = canonicalJson(await spec.perform(signal));
    if (Buffer.byteLength(value) + Buffer.byteLength(request) <= MAX_CONTENT - ROOM_FOR_AN_ERROR) {
      return `{"kind":"ok","value":${value}}`;
    }
    return errorOutcome("too-large", `the answer is larger than the ${MAX_CONTENT} bytes that a journal holds`);
  } catch (error) {
    if (error instanceof UnfinishedError) throw error;
    return errorOutcome(codeOf(error), error instanceof Error ? error.message : String(error));
  }
}

function errorOutcome(code: string, message: string): string {
  const cut = (text: string) => text.slice(0, MAX_MESSAGE).toWellFormed();
  return canonicalJson({ kind: "error", code: cut(code), message: cut(message) });
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "internal";
}
