import { isJsonObject } from "../model/json.ts";
import { inBuilder } from "./component.ts";
import type { ComponentFacts } from "./inspect/inspect.ts";
import type { ModuleFacts, Size } from "./inspect/module.ts";

export type { ComponentFacts } from "./inspect/inspect.ts";

/** What a component is made of, or why it may not be used. */
export type Inspection =
  | { readonly ok: true; readonly facts: ComponentFacts }
  | { readonly ok: false; readonly detail: string };

/**
 * Looks at an untrusted component as the hook hosts do before they use one, in a confined process of its own. Nothing of it
 * is made or run. Throws `HostFault` when that process hangs or dies.
 */
export function inspectComponent(node: string, bytes: Uint8Array, signal: AbortSignal): Promise<Inspection> {
  return inBuilder({ node, bytes, mode: ["inspect"], decode: asInspection, signal });
}

/** What that process says is typed here and nowhere else: it has read what nobody trusts. */
export function asInspection(head: unknown): Inspection | undefined {
  if (!isJsonObject(head)) return undefined;
  if (head.ok === false) return typeof head.detail === "string" ? { ok: false, detail: head.detail } : undefined;
  const { facts } = head;
  if (head.ok !== true || !isJsonObject(facts) || typeof facts.world !== "string") return undefined;
  const imports = listOf(facts.imports, asImport);
  const exports = listOf(facts.exports, asText);
  const modules = listOf(facts.modules, asModule);
  if (imports === undefined || exports === undefined || modules === undefined) return undefined;
  return { ok: true, facts: { world: facts.world, imports, exports, modules } };
}

function asImport(value: unknown): ComponentFacts["imports"][number] | undefined {
  if (!isJsonObject(value) || typeof value.interface !== "string") return undefined;
  const functions = listOf(value.functions, asText);
  return functions && { interface: value.interface, functions };
}

function asModule(value: unknown): ModuleFacts | undefined {
  if (!isJsonObject(value)) return undefined;
  const { bytes, functions, codeBytes } = value;
  const memory = value.memory === undefined ? undefined : asSize(value.memory);
  const tables = listOf(value.tables, asSize);
  if (!isCount(bytes) || !isCount(functions) || !isCount(codeBytes) || tables === undefined) return undefined;
  if (value.memory !== undefined && memory === undefined) return undefined;
  return { bytes, functions, codeBytes, ...(memory && { memory }), tables };
}

function asSize(value: unknown): Size | undefined {
  if (!isJsonObject(value) || !isCount(value.initial)) return undefined;
  const { initial, maximum } = value;
  if (maximum === undefined) return { initial };
  return isCount(maximum) ? { initial, maximum } : undefined;
}

function asText(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function listOf<T>(value: unknown, item: (value: unknown) => T | undefined): readonly T[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const items: T[] = [];
  for (const one of value) {
    const made = item(one);
    if (made === undefined) return undefined;
    items.push(made);
  }
  return items;
}
