import { InputError } from "../model/errors.ts";
import type { PinnedHook } from "../model/hook.ts";
import type { Phase, Role } from "../model/phase.ts";

/** The hooks of one phase in the order in which they are asked: transformers first, then gates or observers. */
export interface Chain {
  readonly phase: Phase;
  readonly hooks: readonly PinnedHook[];
}
export type Plan = Readonly<Record<Phase, Chain>>;

const ORDER: Readonly<Record<Role, number>> = { transformer: 0, gate: 1, observer: 2 };

/**
 * Builds the chains of a run from the pinned order of the blueprint. Everything that can be wrong with a chain is
 * found here, before anything runs: a hook that is not pinned or named twice, a phase that its manifest does not
 * list, a gate in `audit`, an observer elsewhere. Throws `InputError`.
 */
export function planChains(
  hooks: readonly PinnedHook[],
  order: Readonly<Partial<Record<Phase, readonly string[]>>>,
): Plan {
  const byName = new Map(hooks.map((hook) => [hook.name, hook]));
  const chain = (phase: Phase): Chain => {
    const names = order[phase] ?? [];
    if (new Set(names).size !== names.length) throw wrong(phase, "a hook is named twice");
    const asked = names.map((name) => {
      const hook = byName.get(name);
      if (hook === undefined) throw wrong(phase, `hook \`${name}\` is not pinned`);
      if (!hook.phases.includes(phase)) throw wrong(phase, `the manifest of hook \`${name}\` does not list this phase`);
      if (phase === "audit" && hook.role === "gate") {
        throw wrong(phase, `hook \`${name}\` is a gate, and what was decided is not decided again here`);
      }
      if (phase !== "audit" && hook.role === "observer") {
        throw wrong(phase, `hook \`${name}\` is an observer, which has its place in \`audit\` only`);
      }
      return hook;
    });
    return { phase, hooks: asked.toSorted((a, b) => ORDER[a.role] - ORDER[b.role]) };
  };
  return {
    "pre-plan": chain("pre-plan"),
    "pre-send": chain("pre-send"),
    "post-receive": chain("post-receive"),
    "pre-tool": chain("pre-tool"),
    "post-tool": chain("post-tool"),
    "state-transition": chain("state-transition"),
    spawn: chain("spawn"),
    audit: chain("audit"),
  };
}

function wrong(phase: Phase, what: string): InputError {
  return new InputError({
    code: "bad-chain",
    message: `the chain of phase \`${phase}\` cannot be built: ${what}`,
    hint: "correct `spec.hooks` of the blueprint or the pipeline template that it pins",
  });
}
