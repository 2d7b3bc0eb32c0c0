import type { Json } from "../model/json.ts";
import { PHASES, type Phase, type Role } from "../model/phase.ts";

/** What a hook can do because of what it is. `mint`: leases, of the world `trusted-hook`. */
export const POWERS = ["gate", "transform", "observe", "mint"] as const;
export type Power = (typeof POWERS)[number];

/** What a key may sign for. */
export interface Scope {
  /** Names of hooks, `prefix-*` for all that begin so, `*` for all. */
  readonly hooks: readonly string[];
  readonly phases: readonly Phase[];
  readonly powers: readonly Power[];
}

const OF_ROLE: Readonly<Record<Role, Power>> = { gate: "gate", transformer: "transform", observer: "observe" };

/** `world`: as the manifest names it, `<package>/<world>@<version>`. */
export function powersOf(role: Role, world: string): readonly Power[] {
  return /\/trusted-hook@/.test(world) ? [OF_ROLE[role], "mint"] : [OF_ROLE[role]];
}

/** What of a hook a scope does not cover, in words; undefined when it covers all. */
export function outside(
  { hooks, phases, powers }: Scope,
  hook: { readonly name: string; readonly phases: readonly Phase[]; readonly powers: readonly Power[] },
): string | undefined {
  if (!hooks.some((pattern) => matches(pattern, hook.name))) return `hooks of the name \`${hook.name}\``;
  const phase = hook.phases.find((one) => !phases.includes(one));
  if (phase !== undefined) return `the phase \`${phase}\``;
  const power = hook.powers.find((one) => !powers.includes(one));
  return power === undefined ? undefined : `the power \`${power}\``;
}

/** Whether everything that `inner` covers is covered by `outer`. */
export function isWithin(inner: Scope, outer: Scope): boolean {
  return (
    inner.hooks.every((name) => outer.hooks.some((pattern) => covers(pattern, name))) &&
    inner.phases.every((phase) => outer.phases.includes(phase)) &&
    inner.powers.every((power) => outer.powers.includes(power))
  );
}

/** The scope that these three values are, or undefined. */
export function toScope(
  hooks: Json | undefined,
  phases: Json | undefined,
  powers: Json | undefined,
): Scope | undefined {
  const names = texts(hooks);
  const known = { phases: among(PHASES, phases), powers: among(POWERS, powers) };
  if (names === undefined || known.phases === undefined || known.powers === undefined) return undefined;
  return { hooks: names, phases: known.phases, powers: known.powers };
}

function matches(pattern: string, name: string): boolean {
  return pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
}

/** Both are patterns: the set of names of one lies in that of the other. */
function covers(outer: string, inner: string): boolean {
  return matches(outer, inner.endsWith("*") ? inner.slice(0, -1) : inner) && (outer.endsWith("*") || outer === inner);
}

function texts(json: Json | undefined): readonly string[] | undefined {
  if (!Array.isArray(json)) return undefined;
  const all = (json as readonly Json[]).filter((one) => typeof one === "string");
  return all.length === json.length ? all : undefined;
}

export function among<T extends string>(known: readonly T[], json: Json | undefined): readonly T[] | undefined {
  const all = texts(json)?.map((text) => known.find((one) => one === text));
  return all?.every((one) => one !== undefined) === true ? all : undefined;
}
