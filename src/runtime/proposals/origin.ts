import { existsSync } from "node:fs";
import { openRecording } from "../../journal/recording.ts";
import type { Entry } from "../../model/entry.ts";
import { PinionError } from "../../model/errors.ts";
import { isJsonObject } from "../../model/json.ts";
import type { HookProposal } from "../../tool/hook-propose.ts";
import type { Proposer } from "../../trust/proposals/proposal.ts";
import { type Environment, runFolder } from "../machine.ts";
import { askedOf } from "./agent.ts";

/** Where in its run an agent proposed something. */
export interface ProposingCall {
  readonly step: number;
  /** Of the call. */
  readonly id: string;
  /** Of the entry in the journal that let it through. */
  readonly seq: number;
}

/**
 * The first call of that run that asked for exactly this and was let through, undefined where the journal has none or cannot be read:
 * then the note of the proposal is all that says where it came from.
 */
export function proposingCall(by: Proposer, env: Environment): ProposingCall | undefined {
  if (by.kind !== "agent" || !/^[A-Za-z0-9-]{1,64}$/.test(by.run) || !existsSync(runFolder(env, by.run)))
    return undefined;
  let found: ProposingCall | undefined;
  try {
    openRecording(runFolder(env, by.run), ({ entry }) => {
      found ??= callIn(entry, by.asked);
    }).close();
  } catch (error) {
    if (!(error instanceof PinionError)) throw error;
    return undefined;
  }
  return found;
}

function callIn({ kind, body, seq }: Entry, asked: string): ProposingCall | undefined {
  if (kind !== "check.boundary" || body.phase !== "pre-tool" || body.decision !== "allow") return undefined;
  const call = isJsonObject(body.payload) && isJsonObject(body.payload.call) ? body.payload.call : {};
  if (call.tool !== "hook.propose" || !isJsonObject(call.arguments) || typeof call.id !== "string") return undefined;
  // The kernel let it through, so it fits the schema of the tool.
  const proposal = call.arguments as unknown as HookProposal;
  return askedOf(proposal) === asked ? { step: Number(body.step), id: call.id, seq } : undefined;
}
