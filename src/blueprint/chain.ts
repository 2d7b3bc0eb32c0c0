import type { AgentBlueprint } from "../model/generated/blueprint.ts";
import type { PipelineTemplate } from "../model/generated/pipeline.ts";
import type { PinnedHook } from "../model/hook.ts";
import { PHASES, type Phase } from "../model/phase.ts";
import type { PinReader } from "./pins.ts";

export type Chain = Readonly<Record<Phase, readonly string[]>>;

/** The hooks of each phase: those of the template, then those that the blueprint adds. */
export async function readChain({ spec }: AgentBlueprint, reader: PinReader): Promise<Chain> {
  const { pipeline } = spec.pins;
  const template =
    pipeline === undefined
      ? undefined
      : await reader.load<PipelineTemplate>(pipeline, "/spec/pins/pipeline", "pipeline");
  const chain = PHASES.map((phase): [Phase, readonly string[]] => [
    phase,
    [...(template?.value.spec.chain[phase] ?? []), ...(spec.hooks.chain[phase] ?? [])],
  ]);
  return Object.fromEntries(chain) as Record<Phase, readonly string[]>;
}

/** Finds hooks that are not pinned, are asked twice, or are asked where their manifest does not allow it. */
export function checkChain(
  chain: Chain,
  { spec }: AgentBlueprint,
  hooks: readonly PinnedHook[],
  reader: PinReader,
): void {
  for (const phase of PHASES) {
    const added = spec.hooks.chain[phase] ?? [];
    const names = chain[phase];
    const fromTemplate = names.length - added.length;
    for (const [index, name] of names.entries()) {
      const pointer =
        index < fromTemplate ? "/spec/hooks/template" : `/spec/hooks/chain/${phase}/${index - fromTemplate}`;
      const who = index < fromTemplate ? `the template asks \`${name}\` at \`${phase}\`, but it` : `\`${name}\``;
      if (names.indexOf(name) < index) reader.fault(pointer, `${who} is already in the chain of \`${phase}\``);
      const isPinned = spec.pins.hooks.some((pin) => pin.name === name);
      if (!isPinned && index < fromTemplate) reader.fault(pointer, `${who} is not pinned in \`spec.pins.hooks\``);
      const hook = hooks.find((candidate) => candidate.name === name);
      if (hook !== undefined && !hook.phases.includes(phase)) {
        reader.fault(pointer, `${who} may not be used at \`${phase}\`; its manifest allows ${hook.phases.join(", ")}`);
      }
    }
  }
  checkShadow(chain, spec, hooks, reader);
  for (const [index, { name }] of spec.pins.hooks.entries()) {
    if (!PHASES.some((phase) => chain[phase].includes(name) || spec.hooks.shadow[phase].includes(name)))
      reader.warn(`/spec/pins/hooks/${index}`, `\`${name}\` is in no chain`);
  }
  const ungated = PHASES.filter((phase) => chain[phase].length === 0);
  if (ungated.length > 0) reader.warn("/spec/hooks", `no hook is asked at ${ungated.join(", ")}`);
}

/** Finds hooks in shadow that are obeyed as well, or watch where their manifest or their role does not allow it. */
function checkShadow(
  chain: Chain,
  spec: AgentBlueprint["spec"],
  hooks: readonly PinnedHook[],
  reader: PinReader,
): void {
  for (const phase of PHASES) {
    for (const [index, name] of spec.hooks.shadow[phase].entries()) {
      const pointer = `/spec/hooks/shadow/${phase}/${index}`;
      const obeyed = PHASES.find((one) => chain[one].includes(name));
      if (obeyed !== undefined) {
        reader.fault(pointer, `\`${name}\` is in the chain of \`${obeyed}\`: a hook is obeyed or in shadow, not both`);
      }
      const hook = hooks.find((candidate) => candidate.name === name);
      const wrong = hook && shadowFault(hook, phase);
      if (wrong !== undefined) reader.fault(pointer, `\`${name}\` may not watch \`${phase}\`: ${wrong}`);
    }
  }
}

/** Why a hook cannot be in shadow at a phase: it could not be obeyed there either, or only if it is trusted. */
export function shadowFault(
  { role, phases, world }: Pick<PinnedHook, "role" | "phases" | "world">,
  phase: Phase,
): string | undefined {
  if (world !== "pinion:hook/hook@1.0.0") return `it is of the world \`${world}\`, which only trusted hooks have`;
  if (!phases.includes(phase)) return `its manifest allows ${phases.join(", ")}`;
  if (phase === "audit" && role === "gate") return "it is a gate, and what was decided is not decided again there";
  if (phase !== "audit" && role === "observer") return "it is an observer, which has its place in `audit` only";
  return undefined;
}
