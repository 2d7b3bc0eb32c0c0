import { isDigest } from "../../model/canonical.ts";
import { IntegrityError } from "../../model/errors.ts";
import { isJsonObject, type Json, type JsonObject } from "../../model/json.ts";
import type { ProposalDecision, ProposalNote, Proposer } from "./proposal.ts";

/** The one place where the files of a proposal become typed. Each throws `IntegrityError` for what Pinion has not written. */

export function decodeSources(bytes: Uint8Array, id: string): Readonly<Record<string, string>> {
  const value = objectIn(bytes, id, "sources");
  const texts = Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === "string");
  if (texts.length !== Object.keys(value).length) throw spoilt(id, "sources");
  return Object.fromEntries(texts);
}

export function decodeNote(bytes: Uint8Array, id: string): ProposalNote {
  const { name, version, by, reason, at } = objectIn(bytes, id, "note");
  const proposer = proposerOf(by);
  if (
    typeof name === "string" &&
    typeof version === "string" &&
    proposer !== undefined &&
    typeof reason === "string" &&
    typeof at === "number"
  ) {
    return { name, version, by: proposer, reason, at };
  }
  throw spoilt(id, "note");
}

export function decodeDecision(bytes: Uint8Array, id: string): ProposalDecision {
  const { kind, by, at, key, signature, reason } = objectIn(bytes, id, "decision");
  if (typeof by === "string" && typeof at === "number") {
    if (kind === "approved" && typeof key === "string" && isDigest(signature)) return { kind, by, at, key, signature };
    if (kind === "rejected" && typeof reason === "string") return { kind, by, at, reason };
  }
  throw spoilt(id, "decision");
}

function proposerOf(by: Json | undefined): Proposer | undefined {
  if (!isJsonObject(by)) return undefined;
  const { kind, user, run, agent, asked } = by;
  if (kind === "person" && typeof user === "string") return { kind, user };
  if (kind !== "agent" || typeof run !== "string" || !isJsonObject(agent) || !isDigest(asked)) return undefined;
  const { name, version, blueprint } = agent;
  if (typeof name !== "string" || typeof version !== "string" || !isDigest(blueprint)) return undefined;
  return { kind, run, agent: { name, version, blueprint }, asked };
}

function objectIn(bytes: Uint8Array, id: string, part: string): JsonObject {
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    if (isJsonObject(value)) return value;
  } catch (cause) {
    if (!(cause instanceof SyntaxError || cause instanceof TypeError)) throw cause;
  }
  throw spoilt(id, part);
}

function spoilt(id: string, part: string): IntegrityError {
  return new IntegrityError({
    code: "proposal-changed",
    message: `the ${part} of proposal \`${id}\` cannot be read: it was changed after it was made`,
    hint: "what was edited is another proposal: propose it again",
  });
}
