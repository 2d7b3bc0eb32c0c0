import { dotted, type Finding } from "../../blueprint/fault.ts";
import { PinionError } from "../../model/errors.ts";
import type { PinnedHook } from "../../model/hook.ts";
import { decideTrust } from "../../trust/decide.ts";
import { type Environment, storeOf } from "../machine.ts";
import { readKeyring } from "./keyring.ts";
import { recall } from "./memory.ts";
import { circumstances, readSigned } from "./trust.ts";

/**
 * What would keep a run of a blueprint from starting on this machine: findings about the pins of its own hooks, in their order, that
 * name a signature which is not trusted. Nothing is remembered.
 */
export async function trustFindings(hooks: readonly PinnedHook[], env: Environment): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const [at, hook] of hooks.entries()) {
    const why = hook.signature === null ? undefined : await whyNot(hook, env);
    const pointer = `/spec/pins/hooks/${at}/signature`;
    if (why !== undefined) findings.push({ pointer, message: `${dotted(pointer)}: it does not run here: ${why}` });
  }
  return findings;
}

async function whyNot(hook: PinnedHook, env: Environment): Promise<string | undefined> {
  try {
    const [signed] = await readSigned([hook], storeOf(env));
    if (signed === undefined) return undefined;
    const memory = recall(env);
    const at = Math.max(env.now(), memory.time);
    const about = circumstances(signed, { keyring: readKeyring(env), at, memory });
    const trust = decideTrust(signed.hook, signed.signature, about);
    return trust.kind === "trusted" ? undefined : trust.why;
  } catch (error) {
    if (error instanceof PinionError) return error.message;
    throw error;
  }
}
