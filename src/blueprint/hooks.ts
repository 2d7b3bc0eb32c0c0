import type { AgentBlueprint, HookPin } from "../model/generated/blueprint.ts";
import type { HookManifest } from "../model/generated/hook.ts";
import type { HookAuthority, HookLimits, PinnedHook } from "../model/hook.ts";
import type { JsonObject } from "../model/json.ts";
import { below, dotted, type Finding } from "./fault.ts";
import type { Origin } from "./origin.ts";
import { schemaFindings } from "./outside-schema.ts";
import { changed, label, type PinReader } from "./pins.ts";
import { validatorOfOutside } from "./schema.ts";
import { plainParts } from "./source.ts";
import type { LoadedDocument } from "./yaml.ts";

type HookSpec = AgentBlueprint["spec"]["hooks"];

export interface HookSources {
  readonly blueprint: LoadedDocument<AgentBlueprint>;
  readonly reader: PinReader;
  readonly origin: Origin;
}

/** Reads the manifest of one pin, verifies its component, and binds it to what the blueprint says about it. */
export async function pinHook(pin: HookPin, pointer: string, sources: HookSources): Promise<PinnedHook | undefined> {
  const { blueprint, reader, origin } = sources;
  const manifest = await reader.load<HookManifest>(pin, pointer, "hook");
  if (manifest === undefined) return undefined;
  const { spec } = manifest.value;
  const hasComponent = await fetchComponent(pin, pointer, { component: spec.component, reader, origin });
  await fetchSignature(pin, pointer, { reader, origin });
  const wrong = manifestFindings(manifest.value);
  reader.faults.push(...manifest.faults(wrong));
  const config = wrong.length === 0 ? configOf(pin.name, spec.config, sources) : undefined;
  const { limits, authority, findings } = bind(pin.name, spec, blueprint.value.spec.hooks);
  reader.findings(findings);
  if (!hasComponent || config === undefined) return undefined;
  return {
    name: pin.name,
    version: pin.version,
    digest: pin.digest,
    component: spec.component.digest,
    world: spec.world,
    role: spec.role,
    tier: "sandboxed",
    signature: pin.signature ?? null,
    signer: null,
    phases: spec.phases,
    config,
    instance: spec.instance,
    limits,
    authority,
  };
}

async function fetchComponent(
  pin: HookPin,
  pointer: string,
  { component, reader, origin }: Component,
): Promise<boolean> {
  if (origin.storeOnly) return true;
  const fetched = await origin.beside(pin.source).fetch(component.file, component.digest);
  if (fetched.kind === "bytes") return true;
  const what = `the component of ${label(pin)}`;
  if (fetched.kind === "missing") reader.fault(pointer, `${what} cannot be found: ${fetched.reason}`);
  else reader.mismatch(pointer, changed(what, component.digest, fetched));
  return false;
}

/** Into the store; whether it holds is up to who trusts whom. */
async function fetchSignature(pin: HookPin, pointer: string, { reader, origin }: Omit<Component, "component">) {
  if (pin.signature === undefined || origin.storeOnly) return;
  const fetched = await origin.beside(pin.source).fetch("hook.sig", pin.signature);
  const what = `the signature of ${label(pin)}`;
  if (fetched.kind === "missing") reader.fault(`${pointer}/signature`, `${what} cannot be found: ${fetched.reason}`);
  if (fetched.kind === "changed") reader.mismatch(`${pointer}/signature`, changed(what, pin.signature, fetched));
}

interface Component {
  readonly component: HookManifest["spec"]["component"];
  readonly reader: PinReader;
  readonly origin: Origin;
}

/** What a schema cannot say about a manifest. */
export function manifestFindings({ spec }: HookManifest): Finding[] {
  const findings = schemaFindings(spec.config, "/spec/config");
  if (spec.role === "observer") {
    for (const [index, phase] of spec.phases.entries()) {
      if (phase === "audit") continue;
      const pointer = `/spec/phases/${index}`;
      findings.push({
        pointer,
        message: `${dotted(pointer)}: an observer watches \`audit\` and no other phase, found \`${phase}\``,
      });
    }
  }
  return findings;
}

/** The configuration with the defaults of the manifest's schema, or undefined when it is not valid. */
function configOf(name: string, schema: JsonObject, { blueprint, reader }: HookSources): JsonObject | undefined {
  const config: JsonObject = structuredClone(blueprint.value.spec.hooks.config[name] ?? {});
  const base = below("/spec/hooks/config", name);
  const findings = validatorOfOutside(schema)(config, { sourceOf: blueprint.sourceOf, base });
  reader.findings(findings);
  return findings.length === 0 ? config : undefined;
}

/** Limits and authority of a hook under a blueprint: never more than the manifest says. */
function bind(
  name: string,
  { limits, authority }: HookManifest["spec"],
  hooks: HookSpec,
): { limits: HookLimits; authority: HookAuthority; findings: Finding[] } {
  const findings: Finding[] = [];
  const find = (pointer: string, message: string): void => {
    findings.push({ pointer, message: `${dotted(pointer)}: ${message}` });
  };
  const narrower = hooks.limits[name] ?? {};
  for (const [limit, value] of Object.entries(narrower)) {
    const most = limits[limit as keyof HookLimits];
    const pointer = `${below("/spec/hooks/limits", name)}/${limit}`;
    if (value > most) find(pointer, `expected at most ${most}, the limit of the manifest, found ${value}`);
  }
  const grant = hooks.grants[name] ?? { tools: [], files: [] };
  const at = below("/spec/hooks/grants", name);
  for (const [index, tool] of grant.tools.entries()) {
    if (authority.tools.includes(tool)) continue;
    find(`${at}/tools/${index}`, `the manifest does not ask for the tool \`${tool}\``);
  }
  for (const [index, file] of grant.files.entries()) {
    const problem = widerThan(file, authority.files);
    if (problem !== undefined) find(`${at}/files/${index}`, problem);
  }
  return { limits: { ...limits, ...narrower }, authority: grant, findings };
}

type FileGrant = HookAuthority["files"][number];

function widerThan(grant: FileGrant, asked: readonly FileGrant[]): string | undefined {
  const parts = partsOf(grant.path);
  if (parts === undefined) return `\`${grant.path}\` is not a plain relative path`;
  const same = asked.find(({ name }) => name === grant.name);
  if (same === undefined) return `the manifest does not ask for files named \`${grant.name}\``;
  const outer = partsOf(same.path);
  if (outer === undefined || !outer.every((part, index) => parts[index] === part)) {
    return `\`${grant.path}\` is not inside \`${same.path}\`, which the manifest asks for`;
  }
  const extra = grant.actions.find((action) => !same.actions.includes(action));
  return extra === undefined ? undefined : `the manifest does not ask to \`${extra}\` in \`${grant.name}\``;
}

/** `.` is the folder itself; `/app` is not inside `/app-backup`, so paths are compared part by part. */
function partsOf(path: string): readonly string[] | undefined {
  return path === "." ? [] : plainParts(path);
}
