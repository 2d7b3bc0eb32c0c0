import { join } from "node:path";
import { canonicalJson } from "../../../src/model/canonical.ts";
import type { Json, JsonObject } from "../../../src/model/json.ts";
import { type Guest, load } from "../component.ts";

/** Makes instances of the committed redaction that are not configured yet. */
export const component = load(join(import.meta.dirname, "../../../hooks/redact/redact.wasm"));

/** A fresh instance of the committed redaction. */
export async function redactor(config: JsonObject = {}): Promise<Guest> {
  const one = (await component)();
  one.configure(config);
  return one;
}

/** The payload `{ value }` after its redaction, as text. */
export function redacted(one: Guest, value: Json): string {
  const json = canonicalJson({ value });
  return one.handle("post-tool", json).payload ?? json;
}

/** An access key of AWS's own documentation. */
export const KEY = "AKIAIOSFODNN7EXAMPLE";
