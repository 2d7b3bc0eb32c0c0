import { createHash } from "node:crypto";
import { canonicalize } from "json-canonicalize";
import { InputError } from "./errors.ts";

/** A sha256 digest, written `sha256:` and 64 lower-case hexadecimal digits. */
export type Digest = `sha256:${string}` & { readonly __digest: true };

const DIGEST = /^sha256:[0-9a-f]{64}$/;

export function isDigest(text: unknown): text is Digest {
  return typeof text === "string" && DIGEST.test(text);
}

/** sha256 over bytes, or over the UTF-8 bytes of a string. */
export function digestOf(data: Uint8Array | string): Digest {
  return `sha256:${createHash("sha256").update(data).digest("hex")}` as Digest;
}

/**
 * The canonical form of a JSON value: RFC 8785 (JCS).
 * Throws `InputError` for what has no canonical form: lone surrogates, NaN and infinities, undefined.
 * Canonicalise once and share the string between hash, journal and hook.
 */
export function canonicalJson(value: unknown): string {
  const text: unknown = canonicalize(value);
  if (typeof text !== "string") {
    throw new InputError({ code: "not-json", message: "the value has no JSON form" });
  }
  if (!text.isWellFormed()) {
    throw new InputError({
      code: "lone-surrogate",
      message: "a string contains half of a surrogate pair, which has no UTF-8 form",
    });
  }
  return text;
}
