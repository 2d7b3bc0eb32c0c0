import { canonicalJson } from "../model/canonical.ts";
import type { Permission } from "../model/tool.ts";
import type { Layer } from "./layer.ts";

/** What is asked of every layer. */
export interface Question {
  /** The rule of the layer that denies explicitly, if one does. */
  readonly denied?: (layer: Layer) => string | undefined;
  /** The rule of the layer that allows, or where one is missing. */
  readonly allowed: (layer: Layer) => string | { readonly missing: string };
}

/** The layers in one order, whatever order they come in: by name, those of one name by what they say. */
export function inOrder(layers: readonly Layer[]): readonly Layer[] {
  return layers
    .map((layer) => ({ layer, text: canonicalJson(layer) }))
    .sort((left, right) => compare(left.layer.name, right.layer.name) || compare(left.text, right.text))
    .map(({ layer }) => layer);
}

/**
 * Denied where a layer denies explicitly, else where one does not allow it, else allowed. The rule names every layer that denies,
 * the explicit ones first, or all that allow. `layers` in their one order.
 */
export function decide(layers: readonly Layer[], subject: string, { denied, allowed }: Question): Permission {
  const explicit: string[] = [];
  const missing: string[] = [];
  const granted: string[] = [];
  for (const layer of layers) {
    const denial = denied?.(layer);
    if (denial !== undefined) {
      explicit.push(`${layer.name}: ${denial}`);
      continue;
    }
    const rule = allowed(layer);
    if (typeof rule === "string") granted.push(`${layer.name}: ${rule}`);
    else missing.push(`${layer.name}: ${rule.missing}`);
  }
  const against = [...explicit, ...missing];
  if (against.length === 0) return { allow: true, rule: granted.join("; "), reason: `${subject} is allowed` };
  const verb = explicit.length > 0 ? "denied" : "not allowed";
  return { allow: false, rule: against.join("; "), reason: `${subject} is ${verb}` };
}

/** How a rule is named: its field, its place and itself; undefined when there is none at -1. */
export function at(field: string, patterns: readonly unknown[], index: number): string | undefined {
  return index === -1 ? undefined : `${field}[${index}] ${JSON.stringify(patterns[index])}`;
}

/** The first rule of a field that passes. */
export function indexed<T>(field: string, patterns: readonly T[], test: (pattern: T) => boolean): string | undefined {
  return at(field, patterns, patterns.findIndex(test));
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
