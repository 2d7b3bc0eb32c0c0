import { resolve as absolute } from "node:path";
import { loadBlueprint } from "../../blueprint/load.ts";
import { type ResolvedBlueprint, resolveBlueprint } from "../../blueprint/resolve.ts";
import { effectivePermission } from "../../capability/permission.ts";
import type { SecretUse } from "../../model/tool.ts";
import type { ToolRegistry } from "../../tool/registry.ts";
import { type Environment, installation, resolveDeps, storeOf } from "../machine.ts";
import { aroundRun } from "../policy/layers.ts";
import { layersOf } from "../spec.ts";
import { readSecretsFile } from "./file.ts";
import { inEnvironment, neededBy } from "./vault.ts";

/** A secret that a blueprint names: whether the user has it, and where it would go. */
export interface NeededSecret {
  readonly name: string;
  readonly optional: boolean;
  readonly from: "environment" | "file" | null;
  readonly uses: readonly {
    readonly agent: string;
    readonly tool: string;
    readonly as: SecretUse["as"];
    /** A header, a variable, or `stdin`. */
    readonly to: string;
    /** Domains, or command lines. */
    readonly for: readonly string[];
    readonly allowed: boolean;
    /** What decided. */
    readonly rule: string;
  }[];
}

/** What a blueprint and its children need; no value is read, and no passphrase needed. Throws as `resolveBlueprint` does. */
export async function checkSecrets(
  file: string,
  env: Environment,
): Promise<{ readonly ok: boolean; readonly secrets: readonly NeededSecret[] }> {
  const deps = { ...resolveDeps(storeOf(env)), installation: installation() };
  const resolved = await resolveBlueprint(await loadBlueprint(absolute(env.cwd, file)), deps);
  const around = await aroundRun({}, env);
  const inFile = readSecretsFile(env)?.names ?? [];
  const secrets = [...neededBy(resolved)].map(([name, { optional }]): NeededSecret => {
    const from = inEnvironment(name, env) !== undefined ? "environment" : inFile.includes(name) ? "file" : null;
    return { name, optional, from, uses: usesIn(name, resolved, around) };
  });
  return { ok: secrets.every(({ from, optional }) => from !== null || optional), secrets };
}

function usesIn(
  name: string,
  resolved: ResolvedBlueprint,
  around: Parameters<typeof layersOf>[1]["around"],
  inherited: Parameters<typeof layersOf>[1]["inherited"] = [],
): NeededSecret["uses"] {
  const layers = layersOf(resolved, { inherited, around });
  const permission = effectivePermission(layers).secret(name);
  const registry = resolved.registry as unknown as ToolRegistry;
  const own = registry.spec.tools.flatMap(({ name: tool, secrets = [] }) =>
    secrets
      .filter((use) => use.name === name)
      .map((use) => {
        const listed = resolved.secrets[name]?.tools.includes(tool) === true;
        return {
          agent: resolved.agent.name,
          tool,
          as: use.as,
          to: use.header ?? use.variable ?? use.as,
          for: use.domains ?? (use.argv ?? []).map((words) => words.join(" ")),
          allowed: listed && permission.allow,
          rule: listed ? permission.rule : `blueprint ${resolved.agent.name}: secrets.${name}.tools`,
        };
      }),
  );
  return [...own, ...Object.values(resolved.children).flatMap((child) => usesIn(name, child, [], layers))];
}
