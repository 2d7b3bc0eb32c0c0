import { dotted, type Finding } from "../../blueprint/fault.ts";
import { PinionError } from "../../model/errors.ts";
import type { PinnedHook } from "../../model/hook.ts";
import { decideTrust } from "../../trust/decide.ts";
import { powersOf } from "../../trust/scope.ts";
import { type Environment, storeOf } from "../machine.ts";
import { readKeyring } from "./keyring.ts";
import { recall } from "./memory.ts";
import { circumstances, readSigned } from "./trust.ts";

/**
 * What would keep a run of a blueprint from starting on this machine: findings about the pins of its own hooks, in their order, that
 * name a signature which is not trusted, or need one and name none. Nothing is remembered.
 */
export async function trustFindings(hooks: readonly PinnedHook[], env: Environment): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const [at, hook] of hooks.entries()) {
    const pin = `/spec/pins/hooks/${at}`;
    const pointer = hook.signature === null ? pin : `${pin}/signature`;
    const why = hook.signature === null ? whyNotUnsigned(hook) : await whyNot(hook, env);
    if (why !== undefined) findings.push({ pointer, message: `${dotted(pointer)}: it does not run here: ${why}` });
  }
  return findings;
}

function whyNotUnsigned({ role, world }: PinnedHook): string | undefined {
  if (!powersOf(role, world).includes("mint")) return undefined;
  return `a hook of the world \`${world}\` is loaded with a trusted signature only: \`hook sign --pin\` pins one`;
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
