import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { stringify } from "yaml";
import type { JsonObject } from "../../src/model/json.ts";
import type { Lab } from "./lab.ts";

/** A policy that denies nothing that a lab's blueprint could want. */
export const everything = {
  filesystem: { read: ["**"], write: ["**"] },
  process: { allow: [["**"]], network: "host" },
  network: { domains: ["*"] },
  tools: { taxa: ["pure", "workspace", "network", "process", "agent"], allow: ["*"] },
  spawn: { depth: 8, count: 8 },
  secrets: { allow: ["*"] },
} as const satisfies JsonObject;

/** The decision about a call of the agent, by its id. */
export function permissionOf(lab: Lab, call: string): JsonObject {
  const boundary = lab.boundaries("pre-tool").find(({ subject }) => String(subject).startsWith(`${call} `));
  return (boundary?.permission ?? {}) as JsonObject;
}

/** What a run has declared of its permission, each time. */
export function declaredIn(lab: Lab): readonly JsonObject[] {
  return lab.entries.filter(({ kind }) => kind === "check.permission").map(({ body }) => body);
}

/** The layers in one declaration. */
export function layersIn(body: JsonObject = {}): readonly JsonObject[] {
  return (body.layers ?? []) as readonly JsonObject[];
}

/** Writes the policy of a lab's machine or user; returns its path. */
export async function writePolicy(lab: Lab, whose: "etc" | "config", spec: JsonObject, name?: string): Promise<string> {
  const file = join(lab.root, whose, "pinion/policy.yaml");
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, policyText(spec, name));
  return file;
}

/** A policy bundle as a file. */
export function policyText(spec: JsonObject, name = "limits"): string {
  const metadata = { name, version: "1.0.0" };
  return stringify({ apiVersion: "pinion.dev/v1", kind: "PolicyBundle", metadata, spec });
}
