import { hash } from "node:crypto";
import { InputError } from "./errors.ts";

/** A sha256 digest, written `sha256:` and 64 lower-case hexadecimal digits. */
export type Digest = `sha256:${string}` & { readonly __digest: true };

const DIGEST = /^sha256:[0-9a-f]{64}$/;

export function isDigest(text: unknown): text is Digest {
  return typeof text === "string" && DIGEST.test(text);
}

/** sha256 over bytes, or over the UTF-8 bytes of a string. */
export function digestOf(data: Uint8Array | string): Digest {
  return `sha256:${hash("sha256", data, "hex")}` as Digest;
}

/** Levels of arrays and objects: a fixed bound, so that the answer does not depend on how much stack is left. */
const LEVELS = 1000;

/**
 * The canonical form of a JSON value: RFC 8785 (JCS). Members that are `undefined` are left out, as `JSON.stringify` does.
 * Throws `InputError` for what has no canonical form: lone surrogates, NaN and infinities, undefined, functions,
 * objects with a prototype of their own, more than `levels` of nesting (which a cycle is, too).
 * Canonicalise once and share the string between hash, journal and hook.
 *
 * Written here because json-canonicalize 3.0.1 leaves an object with a `toJSON` member unsorted, takes a value that
 * two members share for a cycle, and escapes lone surrogates.
 */
export function canonicalJson(value: unknown, { levels } = { levels: LEVELS }): string {
  return write(value, levels);
}

function write(value: unknown, levels: number): string {
  if (typeof value === "string") return quote(value);
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw notJson(`the number \`${value}\` has no JSON form`);
    return JSON.stringify(value); // RFC 8785 §3.2.2.3 is ECMAScript's own form of numbers
  }
  if (typeof value !== "object") throw notJson(`${typeof value} has no JSON form`);
  if (levels === 0) throw notJson("the value is nested too deeply");
  return Array.isArray(value) ? writeArray(value, levels - 1) : writeObject(value, levels - 1);
}

function writeArray(values: readonly unknown[], levels: number): string {
  let out = "[";
  for (let i = 0; i < values.length; i++) out += (i === 0 ? "" : ",") + write(values[i], levels);
  return `${out}]`;
}

/** Members in the order of their keys' UTF-16 code units, which is `sort`'s own (RFC 8785 §3.2.3). */
function writeObject(value: object, levels: number): string {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    throw notJson("only plain objects and arrays have a JSON form");
  }
  const members = value as Readonly<Record<string, unknown>>;
  let out = "{";
  for (const key of Object.keys(members).sort()) {
    const member = members[key];
    if (member !== undefined) out += `${out === "{" ? "" : ","}${quote(key)}:${write(member, levels)}`;
  }
  return `${out}}`;
}

function quote(text: string): string {
  if (!text.isWellFormed()) {
    throw new InputError({
      code: "lone-surrogate",
      message: "a string contains half of a surrogate pair, which has no UTF-8 form",
    });
  }
  return JSON.stringify(text);
}

function notJson(message: string): InputError {
  return new InputError({ code: "not-json", message });
}
