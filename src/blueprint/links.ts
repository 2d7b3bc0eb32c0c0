import type { AgentBlueprint, Pin } from "../model/generated/blueprint.ts";
import { PHASES } from "../model/phase.ts";
import { below, dotted, type Finding } from "./fault.ts";
import { nearest } from "./nearest.ts";

/** No message, no finding. */
type Find = (pointer: string, message: string | undefined) => void;

/** What a blueprint says about itself that a schema cannot check: every name that is used is pinned, once. */
export function linkFindings({ spec }: AgentBlueprint): Finding[] {
  const findings: Finding[] = [];
  const find: Find = (pointer, message) => {
    if (message !== undefined) findings.push({ pointer, message: `${dotted(pointer)}: ${message}` });
  };
  for (const kind of ["hooks", "skills", "prompts", "scripts", "blueprints"] as const) {
    differentNames(spec.pins[kind], `/spec/pins/${kind}`, find);
  }
  runtime(spec, find);
  const { prompt } = spec.instructions;
  if (prompt !== undefined) find("/spec/instructions/prompt", notPinned(prompt, spec.pins.prompts, "prompts"));
  template(spec, find);
  hooks(spec, find);
  const { mode, quota } = spec.execution.filesystem;
  if (mode === "direct" && quota !== undefined) {
    find("/spec/execution/filesystem/quota", "only a layer has a quota; add `mode: overlay`, or remove it");
  }
  return findings;
}

function runtime({ runtime: { adapter, model, baseUrl }, pins }: AgentBlueprint["spec"], find: Find): void {
  if (adapter === "scripted") {
    find("/spec/runtime/model", notPinned(model, pins.scripts, "scripts"));
    if (baseUrl !== undefined) find("/spec/runtime/baseUrl", "`scripted` reaches no server; remove it");
  }
  if (adapter === "openai-compatible" && baseUrl === undefined) {
    find("/spec/runtime", "`openai-compatible` needs the field `baseUrl`");
  }
}

function template({ hooks: { template: name }, pins: { pipeline } }: AgentBlueprint["spec"], find: Find): void {
  if (name === undefined && pipeline !== undefined) {
    find(
      "/spec/pins/pipeline",
      `\`${pipeline.name}\` is pinned but not used; add \`template: ${pipeline.name}\` to \`spec.hooks\`, or remove the pin`,
    );
  }
  if (name !== undefined)
    find("/spec/hooks/template", notPinned(name, pipeline === undefined ? [] : [pipeline], "pipeline"));
}

function hooks({ hooks: { chain, shadow, config, limits, grants }, pins }: AgentBlueprint["spec"], find: Find): void {
  for (const phase of PHASES) {
    for (const [index, name] of (chain[phase] ?? []).entries()) {
      find(`/spec/hooks/chain/${phase}/${index}`, notPinned(name, pins.hooks, "hooks"));
    }
    for (const [index, name] of shadow[phase].entries()) {
      find(`/spec/hooks/shadow/${phase}/${index}`, notPinned(name, pins.hooks, "hooks"));
    }
  }
  for (const [field, entries] of Object.entries({ config, limits, grants })) {
    for (const name of Object.keys(entries))
      find(below(`/spec/hooks/${field}`, name), notPinned(name, pins.hooks, "hooks"));
  }
}

function notPinned(name: string, pins: readonly Pin[], kind: string): string | undefined {
  const names = pins.map((pin) => pin.name);
  if (names.includes(name)) return undefined;
  const near = nearest(name, names);
  return `\`${name}\` is not pinned in \`spec.pins.${kind}\`${near === undefined ? "" : `; did you mean \`${near}\`?`}`;
}

function differentNames(pins: readonly Pin[], pointer: string, find: Find): void {
  const seen = new Map<string, string>();
  for (const [index, { name }] of pins.entries()) {
    const look = appearance(name);
    const other = seen.get(look);
    if (other === name) find(`${pointer}/${index}/name`, `\`${name}\` is pinned twice`);
    else if (other !== undefined)
      find(`${pointer}/${index}/name`, `\`${name}\` looks like \`${other}\`; give it another name`);
    seen.set(look, name);
  }
}

/** Names are lower-case ASCII, so only these few can be mistaken for each other. */
function appearance(name: string): string {
  return name.replaceAll("rn", "m").replaceAll("vv", "w").replaceAll("1", "l").replaceAll("0", "o");
}
