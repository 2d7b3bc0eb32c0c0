import type { JsonObject } from "../../model/json.ts";
import type { Permission, SecretUse, ToolSpec } from "../../model/tool.ts";

/** A secret that a call is handed, as gates, people and digests see it. */
export interface SecretRef extends JsonObject {
  readonly name: string;
  readonly as: SecretUse["as"];
  /** A header, a variable, or `stdin`. */
  readonly to: string;
}

/** A secret on its way into a call. `value`: as it is written, in its format. */
export interface Handed {
  readonly name: string;
  readonly as: SecretUse["as"];
  readonly to: string;
  readonly value: string;
}

/** Whether the blueprint names a tool among those that may be handed a secret. */
export type Listed = (secret: string, tool: string) => boolean;

/** The secrets of a tool that this call matches: by domain, over TLS alone, or by command line. Pure. */
export function usesOf({ secrets = [] }: ToolSpec, call: JsonObject): readonly SecretUse[] {
  return secrets.filter((use) => (use.as === "header" ? isSentTo(use, call.url) : isHandedTo(use, call.argv)));
}

export function refOf(use: SecretUse): SecretRef {
  return { name: use.name, as: use.as, to: placeOf(use) };
}

export function handedOf(use: SecretUse, value: string): Handed {
  return { ...refOf(use), value: (use.format ?? "{}").replace("{}", () => value) } as Handed;
}

function placeOf({ as, header = "", variable = "" }: SecretUse): string {
  if (as === "stdin") return "stdin";
  return as === "header" ? header : variable;
}

function isSentTo({ domains = [] }: SecretUse, url: unknown): boolean {
  const parsed = typeof url === "string" ? URL.parse(url) : null;
  return parsed !== null && parsed.protocol === "https:" && domains.includes(parsed.hostname);
}

function isHandedTo({ argv: patterns = [] }: SecretUse, argv: unknown): boolean {
  return Array.isArray(argv) && patterns.some((pattern) => matches(pattern, argv));
}

/** `*` is exactly one word, a last `**` any further ones; everything else is literal. */
function matches(pattern: readonly string[], argv: readonly unknown[]): boolean {
  const open = pattern.at(-1) === "**";
  const fixed = open ? pattern.slice(0, -1) : pattern;
  if (open ? argv.length < fixed.length : argv.length !== fixed.length) return false;
  return fixed.every((part, index) => part === "*" || part === argv[index]);
}

export interface UseRules {
  readonly authority: { secret(name: string): Permission };
  readonly listed: Listed;
}

/**
 * Why a call may not be made with the secrets that it matches, or undefined. It is denied as a whole: to go without would be
 * another call than the registry describes. Pure, and the same whether there are values or not.
 */
export function deniedBy(spec: ToolSpec, call: JsonObject, { authority, listed }: UseRules): Permission | undefined {
  const places = new Set<string>();
  for (const use of usesOf(spec, call)) {
    if (!listed(use.name, spec.name)) {
      const reason = `the secret \`${use.name}\` is not one that the blueprint lets \`${spec.name}\` have`;
      return { allow: false, rule: `blueprint: secrets.${use.name}.tools`, reason };
    }
    const permission = authority.secret(use.name);
    if (!permission.allow) return permission;
    const place = placeOf(use);
    if (places.has(place)) {
      const reason = `two secrets would be put into \`${place}\``;
      return { allow: false, rule: "pinion: one secret in one place", reason };
    }
    places.add(place);
  }
  if (places.has("stdin") && call.stdin !== undefined) {
    const reason = "its standard input is a secret, so the call cannot give one";
    return { allow: false, rule: "pinion: one secret in one place", reason };
  }
  return undefined;
}
