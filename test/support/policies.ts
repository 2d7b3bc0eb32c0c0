import { stringify } from "yaml";
import type { JsonObject } from "../../src/model/json.ts";

/** A policy that denies nothing that a lab's blueprint could want. */
export const everything = {
  filesystem: { read: ["**"], write: ["**"] },
  process: { allow: [["**"]], network: "host" },
  network: { domains: ["*"] },
  tools: { taxa: ["pure", "workspace", "network", "process", "agent"], allow: ["*"] },
  spawn: { depth: 8, count: 8 },
  secrets: { allow: ["*"] },
} as const satisfies JsonObject;

/** A policy bundle as a file. */
export function policyText(spec: JsonObject, name = "limits"): string {
  const metadata = { name, version: "1.0.0" };
  return stringify({ apiVersion: "pinion.dev/v1", kind: "PolicyBundle", metadata, spec });
}
