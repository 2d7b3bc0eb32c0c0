import type { Digest } from "../model/canonical.ts";
import { BugError } from "../model/errors.ts";
import type { AgentBlueprint, Pin } from "../model/generated/blueprint.ts";
import type { PinnedHook } from "../model/hook.ts";
import type { JsonObject } from "../model/json.ts";
import { type Chain, checkChain, readChain } from "./chain.ts";
import type { Fault } from "./fault.ts";
import { pinHook } from "./hooks.ts";
import { type BlueprintFile, type LoadedBlueprint, parseBlueprint } from "./load.ts";
import { type Artifacts, checkoutOrigin, type Origin, storeOrigin } from "./origin.ts";
import { readDocument, readPrompt, readRegistry, readScript, readSkill, type Skill } from "./parts.ts";
import { PinReader } from "./pins.ts";
import { checkSecrets } from "./secrets.ts";

type Spec = AgentBlueprint["spec"];
export type PinKind =
  | "blueprint"
  | "hook"
  | "component"
  | "signature"
  | "policy"
  | "tools"
  | "pipeline"
  | "skill"
  | "prompt"
  | "script";

export interface PinEntry {
  readonly kind: PinKind;
  readonly name: string;
  readonly version: string;
  readonly digest: Digest;
}

/** Everything that a run is made of: read, verified, validated, and in the store. */
export interface ResolvedBlueprint {
  /** `blueprint` is the digest of the canonical form. */
  readonly agent: { readonly name: string; readonly version: string; readonly blueprint: Digest };
  /** sha256 of the blueprint's own bytes: by it `resolveFromStore` finds everything again. */
  readonly bytes: Digest;
  /** Its file, as it was written, comments too, and what that says. */
  readonly text: string;
  readonly document: JsonObject;
  readonly runtime: Spec["runtime"];
  readonly systemPrompt: string;
  readonly chain: Chain;
  /** In the order of the pins. */
  readonly hooks: readonly PinnedHook[];
  readonly policy: JsonObject;
  readonly registry: JsonObject;
  readonly skills: readonly Skill[];
  readonly scripts: Readonly<Record<string, JsonObject>>;
  readonly children: Readonly<Record<string, ResolvedBlueprint>>;
  readonly limits: Spec["limits"];
  readonly context: Spec["context"];
  readonly execution: Spec["execution"];
  readonly tools: Spec["tools"];
  readonly secrets: Spec["secrets"];
  readonly leases: Spec["leases"];
  readonly approvals: Spec["approvals"];
  /** Hooks that run beside each phase and are never obeyed. */
  readonly shadow: Spec["hooks"]["shadow"];
  /** This blueprint first, by its bytes; then every pin, and component and signature after each hook. */
  readonly pins: readonly PinEntry[];
  /** What is allowed and still worth a look, of the children too. */
  readonly warnings: readonly Fault[];
}

export interface ResolveDeps {
  readonly artifacts: Artifacts;
}

/** Children of children of children … */
const MAX_CHILD_DEPTH = 8;

/**
 * Verifies every pin of a blueprint file, and of its children, against the bytes in the checkout, and puts them all into
 * the store. `installation` is the absolute folder that `builtin:` sources are looked for in. Throws `PinMismatchError`
 * (bytes, name or version are not what is pinned) or `InvalidFileError`, each with everything that was found.
 */
export async function resolveBlueprint(
  file: BlueprintFile,
  deps: ResolveDeps & { readonly installation: string },
): Promise<ResolvedBlueprint> {
  const folders = { own: { root: file.folder, parts: [] }, builtin: { root: deps.installation, parts: [] } };
  const resolved = await new Resolver().resolve(file, checkoutOrigin(folders, deps.artifacts), 0);
  await deps.artifacts.put(file.bytes);
  return resolved;
}

/**
 * The same from the store alone, by the sha256 of the blueprint's bytes. Throws `InputError` (`artifact-missing`) when
 * the blueprint itself is not there, and like `resolveBlueprint` otherwise.
 */
export async function resolveFromStore(bytes: Digest, deps: ResolveDeps): Promise<ResolvedBlueprint> {
  const loaded = parseBlueprint(await deps.artifacts.get(bytes), `artifact ${bytes}`);
  return new Resolver().resolve(loaded, storeOrigin(deps.artifacts), 0);
}

class Resolver {
  /** A child that is pinned in several places is resolved once. */
  private readonly known = new Map<Digest, ResolvedBlueprint>();

  async resolve(loaded: LoadedBlueprint, origin: Origin, depth: number): Promise<ResolvedBlueprint> {
    const { blueprint, document } = loaded;
    const { metadata, spec } = blueprint;
    const reader = new PinReader(document, origin);
    const policy = await readDocument(reader, spec.pins.policy, { pointer: "/spec/pins/policy", schema: "policy" });
    const registry = await readRegistry(reader, spec.pins.tools);
    checkSecrets(spec.secrets, registry, reader);
    const chain = await readChain(blueprint, reader);
    const hooks = await each(spec.pins.hooks, (pin, at) =>
      pinHook(pin, `/spec/pins/hooks/${at}`, { blueprint: document, reader, origin }),
    );
    checkChain(chain, blueprint, hooks, reader);
    const prompts = await each(spec.pins.prompts, (pin, at) => readPrompt(reader, pin, `/spec/pins/prompts/${at}`));
    const skills = await each(spec.pins.skills, (pin, at) => readSkill(reader, pin, `/spec/pins/skills/${at}`));
    const scripts = await each(spec.pins.scripts, (pin, at) => readScript(reader, pin, `/spec/pins/scripts/${at}`));
    const children = await each(spec.pins.blueprints, (pin, at) =>
      this.child(pin, `/spec/pins/blueprints/${at}`, { reader, origin, depth }),
    );
    if (spec.execution.filesystem.mode === "overlay") warnOfQuotas(children, spec.pins.blueprints, reader);
    reader.settle();
    return {
      agent: { name: metadata.name, version: metadata.version, blueprint: loaded.digest },
      bytes: loaded.bytesDigest,
      text: Buffer.from(loaded.bytes).toString("utf8"),
      document: document.raw,
      runtime: spec.runtime,
      systemPrompt: spec.instructions.text ?? settled(prompts.find(([name]) => name === spec.instructions.prompt))[1],
      chain,
      hooks,
      policy: settled(policy),
      registry: settled(registry),
      skills,
      scripts: Object.fromEntries(scripts),
      children: Object.fromEntries(children),
      limits: spec.limits,
      context: spec.context,
      execution: spec.execution,
      tools: spec.tools,
      secrets: spec.secrets,
      leases: spec.leases,
      approvals: spec.approvals,
      shadow: spec.hooks.shadow,
      pins: pinList(loaded, hooks),
      warnings: [...reader.warnings, ...children.flatMap(([, child]) => child.warnings)],
    };
  }

  private async child(
    pin: Pin,
    pointer: string,
    { reader, origin, depth }: Parent,
  ): Promise<[string, ResolvedBlueprint] | undefined> {
    if (depth === MAX_CHILD_DEPTH) {
      reader.fault(pointer, `children nest deeper than ${MAX_CHILD_DEPTH} levels`);
      return undefined;
    }
    const fetched = await reader.bytes(pin, pointer);
    if (fetched === undefined) return undefined;
    const known = this.known.get(pin.digest);
    if (known !== undefined) return reader.isNamed(pin, pointer, known.agent) ? [pin.name, known] : undefined;
    const loaded = reader.attempt(() => parseBlueprint(fetched.bytes, fetched.file));
    if (loaded === undefined || !reader.isNamed(pin, pointer, loaded.blueprint.metadata)) return undefined;
    try {
      const child = await this.resolve(loaded, origin.beside(pin.source), depth + 1);
      this.known.set(pin.digest, child);
      return [pin.name, child];
    } catch (error) {
      reader.keep(error);
      return undefined;
    }
  }
}

/** A child works in the layer of its parent, and what that may hold is the parent's to say. */
function warnOfQuotas(
  children: readonly (readonly [string, ResolvedBlueprint])[],
  pins: readonly Pin[],
  reader: PinReader,
): void {
  for (const [name, { execution }] of children) {
    if (execution.filesystem.quota === undefined) continue;
    const at = pins.findIndex((pin) => pin.name === name);
    reader.warn(
      `/spec/pins/blueprints/${at}`,
      `\`${name}\` works in the layer of this agent: its own quota does not hold`,
    );
  }
}

interface Parent {
  readonly reader: PinReader;
  readonly origin: Origin;
  readonly depth: number;
}

/** One after the other, so that faults come in the order of the file; what could not be read is left out. */
async function each<T>(pins: readonly Pin[], read: (pin: Pin, index: number) => Promise<T | undefined>): Promise<T[]> {
  const all: T[] = [];
  for (const [index, pin] of pins.entries()) {
    const one = await read(pin, index);
    if (one !== undefined) all.push(one);
  }
  return all;
}

/** After `settle` nothing is missing. */
function settled<T>(value: T | undefined): T {
  if (value === undefined) throw new BugError({ code: "unsettled-pin", message: "a pin is neither read nor reported" });
  return value;
}

function pinList(
  { blueprint: { metadata, spec }, bytesDigest }: LoadedBlueprint,
  hooks: readonly PinnedHook[],
): PinEntry[] {
  const { pins } = spec;
  const entry = (kind: PinKind, { name, version, digest }: Pin): PinEntry => ({ kind, name, version, digest });
  return [
    { kind: "blueprint", name: metadata.name, version: metadata.version, digest: bytesDigest },
    ...hooks.flatMap(({ name, version, digest, component, signature }): PinEntry[] => [
      { kind: "hook", name, version, digest },
      { kind: "component", name, version, digest: component },
      ...(signature === null ? [] : [{ kind: "signature" as const, name, version, digest: signature }]),
    ]),
    entry("policy", pins.policy),
    entry("tools", pins.tools),
    ...(pins.pipeline === undefined ? [] : [entry("pipeline", pins.pipeline)]),
    ...pins.skills.map((pin) => entry("skill", pin)),
    ...pins.prompts.map((pin) => entry("prompt", pin)),
    ...pins.scripts.map((pin) => entry("script", pin)),
    ...pins.blueprints.map((pin) => entry("blueprint", pin)),
  ];
}
