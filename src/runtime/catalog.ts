import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { resolve as absolute, join } from "node:path";
import hookSchema from "../../schemas/hook.v1.json" with { type: "json" };
import { openCatalog } from "../blueprint/catalog.ts";
import { type Fault, InvalidFileError, PinMismatchError } from "../blueprint/fault.ts";
import { type LoadedBlueprint, loadBlueprint } from "../blueprint/load.ts";
import { type ResolvedBlueprint, resolveBlueprint } from "../blueprint/resolve.ts";
import { loadDocument } from "../blueprint/yaml.ts";
import { KERNEL_VERSION } from "../kernel/version.ts";
import { type Digest, digestOf } from "../model/canonical.ts";
import { EXIT, type ExitCode, PinionError } from "../model/errors.ts";
import type { HookManifest } from "../model/generated/hook.ts";
import type { HookLimits } from "../model/hook.ts";
import { PHASES, type Phase, type Role, type Tier } from "../model/phase.ts";
import { type Environment, installation, resolveDeps, storeOf, unusable } from "./machine.ts";
import { capabilityFindings } from "./policy/document.ts";
import { lookAtSignature } from "./trust/sign.ts";
import { trustFindings } from "./trust/warn.ts";

/** What `blueprint validate --json` prints. */
export type Validation =
  | {
      readonly ok: true;
      readonly digest: Digest;
      readonly name: string;
      readonly version: string;
      /** What is allowed and still worth a look. */
      readonly warnings: readonly Fault[];
      readonly exit: ExitCode;
    }
  | { readonly ok: false; readonly faults: readonly Fault[]; readonly exit: ExitCode };

/** Checks a blueprint file and the bytes of everything that it pins. What is wrong is the answer, not an error. */
export async function validateBlueprint(file: string, env: Environment): Promise<Validation> {
  try {
    const loaded = await loadBlueprint(absolute(env.cwd, file));
    const { agent, hooks, warnings: found } = await resolveBlueprint(loaded, deps(env));
    const wrong = capabilityFindings(loaded.blueprint.spec.leases);
    if (wrong.length > 0) throw new InvalidFileError(loaded.document.faults(wrong));
    const { name, version, blueprint: digest } = agent;
    const warnings = [...found, ...loaded.document.faults(await trustFindings(hooks, env))];
    return { ok: true, digest, name, version, warnings, exit: EXIT.ok };
  } catch (error) {
    if (error instanceof InvalidFileError || error instanceof PinMismatchError) {
      return { ok: false, faults: error.faults, exit: error.exit };
    }
    throw error;
  }
}

/** One line of `blueprint list`. A file that is no valid blueprint is listed with what is wrong first. */
export type BlueprintRow =
  | {
      readonly kind: "blueprint";
      readonly name: string;
      readonly version: string;
      readonly description: string;
      readonly digest: string;
      readonly file: string;
    }
  | { readonly kind: "broken"; readonly file: string; readonly fault: string; readonly faults: number };

/** The blueprints below folders, and those that ship with Pinion, from the catalog, which is brought up to date first. */
export async function listBlueprints(folders: readonly string[], env: Environment): Promise<readonly BlueprintRow[]> {
  return withCatalog(folders, env, (catalog) =>
    catalog.list().map((entry): BlueprintRow => {
      if (entry.kind === "broken") {
        const [first] = entry.faults;
        const fault = first === undefined ? "" : `${first.line}:${first.column} ${first.message}`;
        return { kind: "broken", file: entry.path, fault, faults: entry.faults.length };
      }
      const { name, version, description, digest, path } = entry;
      return { kind: "blueprint", name, version, description, digest, file: path };
    }),
  );
}

/** What `blueprint show --json` prints. */
export interface BlueprintView {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly digest: Digest;
  readonly file: string;
  /** `<provider>:<id>` */
  readonly model: string;
  readonly tools: readonly string[];
  /** What the blueprint says of files, processes and the network; the policy bundle may allow less. */
  readonly execution: ResolvedBlueprint["execution"];
  /** Hooks of each phase in the order in which they are asked, those of the template included. */
  readonly chain: Readonly<Record<Phase, readonly string[]>>;
  /** Hooks that are asked beside each phase, and never obeyed. */
  readonly shadow: Readonly<Record<Phase, readonly string[]>>;
  readonly limits: Readonly<Record<string, number>>;
  readonly pins: readonly {
    readonly kind: string;
    readonly name: string;
    readonly version: string;
    readonly digest: Digest;
  }[];
}

/** A blueprint by its file or by the name under which the catalog knows it. Throws like `loadBlueprint` and `resolveBlueprint`. */
export async function showBlueprint(nameOrFile: string, env: Environment): Promise<BlueprintView> {
  const { file, loaded, resolved } = await findBlueprint(nameOrFile, env);
  const { agent, chain, runtime, tools, execution, limits, pins } = resolved;
  return {
    name: agent.name,
    version: agent.version,
    description: loaded.blueprint.metadata.description ?? "",
    digest: agent.blueprint,
    file,
    model: `${runtime.adapter}:${runtime.model}`,
    tools: tools.allow,
    execution,
    chain: Object.fromEntries(PHASES.map((phase) => [phase, chain[phase] ?? []])) as Record<Phase, readonly string[]>,
    shadow: resolved.shadow,
    limits: { ...limits },
    pins,
  };
}

/** The blueprint itself. Throws as `showBlueprint` does. */
export async function findBlueprint(
  nameOrFile: string,
  env: Environment,
): Promise<{ readonly file: string; readonly loaded: LoadedBlueprint; readonly resolved: ResolvedBlueprint }> {
  const path = absolute(env.cwd, nameOrFile);
  const file = existsSync(path) ? path : await withCatalog([], env, (catalog) => catalog.show(nameOrFile).path);
  const loaded = await loadBlueprint(file);
  return { file, loaded, resolved: await resolveBlueprint(loaded, deps(env)) };
}

/** One shipped hook, with the digest that a blueprint pins. */
export interface HookView {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly digest: Digest;
  readonly component: Digest;
  readonly role: Role;
  readonly phases: readonly Phase[];
  readonly limits: HookLimits;
  /** What a blueprint gets that pins its signature; `sandboxed` without one. */
  readonly tier: Tier;
}

/** The hooks that ship with Pinion, by name. */
export async function listHooks(env: Environment): Promise<readonly HookView[]> {
  const folder = join(installation(), "hooks");
  const found: HookView[] = [];
  for (const name of (await readdir(folder)).sort()) {
    const file = join(folder, name, "hook.yaml");
    if (!existsSync(file)) continue;
    const bytes = await readFile(file);
    const { metadata, spec } = loadDocument<HookManifest>(bytes, { file, schema: hookSchema }).value;
    found.push({
      name: metadata.name,
      version: metadata.version,
      description: metadata.description ?? "",
      digest: digestOf(bytes),
      component: spec.component.digest,
      role: spec.role,
      phases: spec.phases,
      limits: spec.limits,
      tier: (await lookAtSignature(file, env))?.trusted === true ? "trusted" : "sandboxed",
    });
  }
  return found;
}

function deps(env: Environment): ReturnType<typeof resolveDeps> & { readonly installation: string } {
  return { ...resolveDeps(storeOf(env)), installation: installation() };
}

async function withCatalog<T>(
  folders: readonly string[],
  env: Environment,
  use: (catalog: Awaited<ReturnType<typeof openCatalog>>) => T,
): Promise<T> {
  const wanted = (folders.length === 0 ? [env.cwd] : folders).map((folder) => absolute(env.cwd, folder));
  const catalog = await openIn(env.cacheDir, {
    file: join(env.cacheDir, "catalog.db"),
    folders: [...new Set([...wanted, join(installation(), "blueprints")])],
    edition: KERNEL_VERSION,
  });
  try {
    await catalog.scan();
    return use(catalog);
  } finally {
    catalog.close();
  }
}

async function openIn(folder: string, options: Parameters<typeof openCatalog>[0]): ReturnType<typeof openCatalog> {
  try {
    return await openCatalog(options);
  } catch (error) {
    throw error instanceof PinionError ? error : unusable(folder, error);
  }
}
