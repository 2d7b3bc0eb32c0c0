import type { Need, Resource } from "../../model/lease.ts";
import { contains, type Pattern, patternOf } from "./pattern.ts";

/** Everything that can be done with each resource. */
export const ACTIONS: Readonly<Record<Resource, readonly string[]>> = {
  fs: ["read", "write"],
  http: ["delete", "get", "head", "patch", "post", "put"],
  process: ["run"],
  tool: ["call"],
  agent: ["spawn"],
  secret: ["use"],
};

/** What bounds a capability besides its path and actions. What is left out is not bounded. */
export interface Constraints {
  /** ms from when it is minted. */
  readonly expires?: number;
  readonly uses?: number;
  /** At most so many uses within any so many ms of the run. */
  readonly rate?: Rate;
  /** Bytes of arguments and results, as canonical JSON, of all calls together. */
  readonly bytes?: number;
  /** ms that one call may take. */
  readonly timeout?: number;
  /** How many children may be started. */
  readonly max?: number;
}
export interface Rate {
  readonly count: number;
  readonly ms: number;
}

/** A right to do something with a part of a resource: `capability://RESOURCE/PATH?action=…&…`. */
export interface Capability extends Constraints {
  readonly resource: Resource;
  readonly path: Pattern;
  /** Sorted, each once, at least one. */
  readonly actions: readonly string[];
  /** What is touched must fit one of these as well. */
  readonly allow?: readonly Pattern[];
}

/** Constraints that are numbers, where less is narrower. */
export const NUMBERS = ["bytes", "expires", "max", "timeout", "uses"] as const;

/** Whether the capability stands for what a call touches; its constraints are another matter. */
export function covers({ resource, path, actions, allow }: Capability, need: Need): boolean {
  if (resource !== need.resource || !actions.includes(need.action)) return false;
  const touched = patternOf(need.resource === "fs" ? ["workspace", ...need.path] : need.path, need.deep);
  return contains(path, touched) && (allow === undefined || allow.some((pattern) => contains(pattern, touched)));
}

/**
 * What of `narrow` goes beyond `wide`, in words, or undefined when it goes nowhere beyond it. Reflexive and transitive; of two that
 * go nowhere beyond each other, both stand for the same.
 */
export function beyond(narrow: Capability, wide: Capability): string | undefined {
  if (narrow.resource !== wide.resource) return `the resource \`${narrow.resource}\` is not \`${wide.resource}\``;
  const action = narrow.actions.find((one) => !wide.actions.includes(one));
  if (action !== undefined) return `the action \`${action}\` is not among ${wide.actions.join(", ")}`;
  if (!isInside(narrow, wide)) return "its path goes beyond";
  for (const name of NUMBERS) {
    const [asked = Number.POSITIVE_INFINITY, most = Number.POSITIVE_INFINITY] = [narrow[name], wide[name]];
    if (asked > most)
      return `\`${name}\` is ${asked === Number.POSITIVE_INFINITY ? "not bounded" : asked}, at most ${most}`;
  }
  if (wide.rate === undefined) return undefined;
  if (narrow.rate === undefined) return `\`rate\` is not bounded, at most ${wide.rate.count}/${wide.rate.ms}`;
  const most = mostWithin(narrow.rate, wide.rate.ms);
  return most > wide.rate.count
    ? `\`rate\` lets ${most} through in ${wide.rate.ms} ms, at most ${wide.rate.count}`
    : undefined;
}

/** The most uses that a rate lets through in a time of `ms`: whole bursts, one at the beginning of each of its own times. */
export function mostWithin({ count, ms: own }: Rate, ms: number): number {
  return Math.ceil(ms / own) * count;
}

/** What is allowed is what fits the path and one of `allow`; either of the two may be what keeps it inside. */
function isInside(narrow: Capability, wide: Capability): boolean {
  const ways = narrow.allow ?? [narrow.path];
  return ways.every((way) => {
    const inside = (pattern: Pattern): boolean => contains(pattern, way) || contains(pattern, narrow.path);
    return inside(wide.path) && (wide.allow === undefined || wide.allow.some(inside));
  });
}

/** With the constraints of another where it has none of its own. */
export function withConstraints(capability: Capability, other: Capability): Capability {
  const { allow, bytes, expires, max, rate, timeout, uses } = other;
  const given = Object.entries({ allow, bytes, expires, max, rate, timeout, uses }).filter(
    ([, value]) => value !== undefined,
  );
  return { ...Object.fromEntries(given), ...capability };
}
