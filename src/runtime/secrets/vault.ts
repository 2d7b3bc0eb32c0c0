import type { ResolvedBlueprint } from "../../blueprint/resolve.ts";
import { KEY_VARIABLES } from "../../llm/provider.ts";
import { canonicalJson } from "../../model/canonical.ts";
import { InputError, WorldError } from "../../model/errors.ts";
import type { Json } from "../../model/json.ts";
import { Mask, type Secret } from "../../secret/mask.ts";
import { faultOf, nameOfVariable, variableOf } from "../../secret/value.ts";
import type { Secrets } from "../../tool/ports.ts";
import type { Environment } from "../machine.ts";
import { readSecretsFile, secretsPath } from "./file.ts";

/** Shorter keys of providers are placeholders such as `ollama`; replacing them would only maul ordinary text. */
const SHORTEST_KEY = 8;

/** What a blueprint and its children need; one that any of them needs is not optional. */
export function neededBy(resolved: ResolvedBlueprint): ReadonlyMap<string, { readonly optional: boolean }> {
  const needed = new Map<string, { readonly optional: boolean }>();
  const add = ({ secrets, children }: ResolvedBlueprint): void => {
    for (const [name, { optional }] of Object.entries(secrets)) {
      needed.set(name, { optional: optional && (needed.get(name)?.optional ?? true) });
    }
    for (const child of Object.values(children)) add(child);
  };
  add(resolved);
  return needed;
}

/**
 * Takes the secrets that a blueprint and its children need from the environment, and those that are not there from the user's
 * file, whose passphrase is asked for then only. They are held in memory and nowhere else. The keys of model providers
 * and the other secrets in the environment are hidden along with them. Throws `InputError` for one that is missing and not optional, or that cannot be one.
 */
export async function openVault(resolved: ResolvedBlueprint, env: Environment): Promise<Secrets> {
  const needed = neededBy(resolved);
  const values = new Map<string, string>();
  for (const name of needed.keys()) {
    const value = inEnvironment(name, env);
    if (value !== undefined) values.set(name, usable(value, `the variable \`${variableOf(name)}\``));
  }
  const rest = [...needed.keys()].filter((name) => !values.has(name));
  for (const [name, value] of await fromFile(rest, env)) values.set(name, value);
  const missing = rest.filter((name) => !values.has(name) && needed.get(name)?.optional === false);
  if (missing.length > 0) throw missingSecrets(resolved, missing, env);
  const secrets = secretsOf(values, env);
  mustNotTell(resolved, secrets);
  return secrets;
}

/**
 * The same for a run that is not to do anything: nobody is asked for a passphrase. Where a secret that may be in the file is not at
 * hand, nothing can be searched for it, and whatever comes back from the world is withheld.
 */
export async function atHand(resolved: ResolvedBlueprint, env: Environment): Promise<Secrets> {
  const known = readSecretsFile(env)?.names ?? [];
  const needed = [...neededBy(resolved)].filter(([name]) => inEnvironment(name, env) === undefined);
  if (needed.some(([name, { optional }]) => !optional || known.includes(name))) return LOCKED;
  return openVault(resolved, env);
}

const LOCKED: Secrets = {
  value: () => undefined,
  mask: { reach: 0, bytes: refuse, text: refuse, json: refuse },
};

function refuse(): never {
  throw new WorldError({ code: "secrets-locked", message: "the secrets of the run are not at hand" });
}

/** An empty variable says nothing. */
export function inEnvironment(name: string, { env }: Pick<Environment, "env">): string | undefined {
  return env[variableOf(name)] || undefined;
}

/** Of those names, what the file has. */
async function fromFile(names: readonly string[], env: Environment): Promise<ReadonlyMap<string, string>> {
  if (names.length === 0) return new Map();
  const file = readSecretsFile(env);
  if (file === undefined || !names.some((name) => file.names.includes(name))) return new Map();
  if (env.passphrase === undefined) {
    throw new InputError({
      code: "no-passphrase",
      message: `\`${file.path}\` has secrets that the run needs, and nobody gave its passphrase`,
      hint: "give a file descriptor that it can be read from: `--secrets-fd 3 3< FILE`",
    });
  }
  const all = await file.open(await env.passphrase(file.path));
  return new Map([...all].filter(([name]) => names.includes(name)));
}

/** What is pinned goes to models, hooks and the journal as it is. Throws `InputError` where a secret is in it. */
function mustNotTell(resolved: ResolvedBlueprint, { mask }: Secrets): void {
  if (mask.reach === 0) return;
  const { agent, systemPrompt, registry, policy, hooks, children, document, text } = resolved;
  const configs = hooks.map(({ name, config }) => ({ name, config }));
  // The parts first, so that the error names one. The rest goes into headers, checks and the store: names, descriptions, rules, comments.
  const parts = { instructions: systemPrompt, tools: registry, policy, hooks: configs, fields: document, text };
  for (const [what, said] of Object.entries(parts)) {
    const masked = canonicalJson(mask.json(said as Json));
    const [found] = masked === canonicalJson(said) ? [] : (/\[secret [^\]]*\]/.exec(masked) ?? [""]);
    if (found === undefined) continue;
    throw new InputError({
      code: "secret-in-blueprint",
      message: `blueprint \`${mask.text(agent.name)}\` says a secret in its ${what}: ${found}`,
      hint: "take it out, and choose another value: what is pinned is kept in the store",
    });
  }
  for (const child of Object.values(children)) mustNotTell(child, { value: () => undefined, mask });
}

function secretsOf(values: ReadonlyMap<string, string>, { env }: Environment): Secrets {
  const keys = KEY_VARIABLES.flatMap((name): Secret[] => {
    const value = env[name]?.trim() ?? "";
    return value.length < SHORTEST_KEY ? [] : [{ name, value }];
  });
  // Nothing of this run is handed these; an unconfined command, or a file of the workspace, may have them all the same.
  const others = Object.entries(env).flatMap(([variable, value = ""]): Secret[] => {
    const name = nameOfVariable(variable);
    return name === undefined || values.has(name) || faultOf(value) !== undefined ? [] : [{ name, value }];
  });
  const mask = new Mask([...[...values].map(([name, value]) => ({ name, value })), ...keys, ...others]);
  return { value: (name) => values.get(name), mask };
}

function usable(value: string, where: string): string {
  const fault = faultOf(value);
  if (fault === undefined) return value;
  throw new InputError({ code: "bad-secret", message: `${where} cannot be used: ${fault}` });
}

function missingSecrets({ agent }: ResolvedBlueprint, missing: readonly string[], env: Environment): InputError {
  const [first = ""] = missing;
  return new InputError({
    code: "no-secret",
    message: `blueprint \`${agent.name}\` needs ${missing.map((name) => `\`${name}\``).join(", ")}: neither in the environment (\`${variableOf(first)}\`) nor in \`${secretsPath(env)}\``,
    hint: `\`pinion secret set ${first}\`; \`pinion secret check\` says where each would go`,
  });
}
