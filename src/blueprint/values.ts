import { isAlias, isMap, isScalar, isSeq, type Node, type Pair, type Scalar } from "yaml";
import type { Json } from "../model/json.ts";
import { below, dotted, type Finding } from "./fault.ts";
import { MAX_DEPTH } from "./syntax.ts";
import { codePoint, shown, UNSEEN } from "./text.ts";

/** With aliases written out. */
const MAX_VALUES = 50_000;
/** Names that every object has: code that looks one up would find something else than what was written. */
const FORBIDDEN = new Set(["prototype", ...Object.getOwnPropertyNames(Object.prototype)]);
/** RFC 8259 §6: what YAML reads as a number and JSON does not (octal, `+1`, `.5`, `.inf`, `1_000`) is a trap for readers. */
const JSON_NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
/** Text to YAML 1.2, a number to YAML 1.1 and to many readers. */
const UNDERSCORED = /^[-+]?\d[\d_]*$/;

/** Where a value stands in the text, as offsets; `source` is how a plain scalar was written. */
export interface Spot {
  readonly key?: number;
  readonly value: number;
  readonly source?: string;
}

export interface Values {
  readonly value: Json;
  readonly spots: ReadonlyMap<string, Spot>;
  readonly findings: readonly Finding[];
}

/** YAML nodes to a JSON value: aliases are written out, and whatever JSON cannot say exactly is a finding. */
export function toValues(contents: Node | null): Values {
  const reader = new Reader();
  const value = contents === null ? null : reader.read(contents, "", 1);
  return { value, spots: reader.spots, findings: reader.findings };
}

class Reader {
  readonly spots = new Map<string, Spot>();
  readonly findings: Finding[] = [];
  private readonly anchors = new Map<string, Node>();
  private readonly open = new Set<Node>();
  private count = 0;

  read(node: Node, pointer: string, depth: number, key?: number): Json {
    this.count += 1;
    if (this.count === MAX_VALUES + 1)
      this.find("", `the file has more than ${MAX_VALUES} values when its aliases are written out`);
    if (this.count > MAX_VALUES) return null;
    this.place(node, pointer, key);
    if (depth > MAX_DEPTH) return this.find(pointer, `nests deeper than ${MAX_DEPTH} levels`);
    if (isAlias(node)) return this.alias(node.source, pointer, depth, key);
    if ("anchor" in node && typeof node.anchor === "string") this.anchors.set(node.anchor, node);
    if (isScalar(node)) return this.scalar(node, pointer);
    this.open.add(node);
    const value = isSeq(node)
      ? this.list(node.items, pointer, depth)
      : isMap(node)
        ? this.mapping(node.items, pointer, depth)
        : null;
    this.open.delete(node);
    return value;
  }

  private alias(name: string, pointer: string, depth: number, key?: number): Json {
    const target = this.anchors.get(name);
    if (target === undefined) return this.find(pointer, `the alias \`*${name}\` has no anchor before it`);
    if (this.open.has(target)) return this.find(pointer, `the anchor \`&${name}\` contains itself`);
    return this.read(target, pointer, depth, key);
  }

  private list(items: readonly unknown[], pointer: string, depth: number): Json {
    return items.map((item, index) => this.read(item as Node, below(pointer, index), depth + 1));
  }

  private mapping(pairs: readonly Pair[], pointer: string, depth: number): Json {
    const seen = new Map<string, string>();
    const value: Record<string, Json> = {};
    for (const pair of pairs) {
      const name = this.name(pair.key as Node, pointer, seen);
      if (name === undefined) continue;
      const at = below(pointer, name);
      const key = offsetOf(pair.key as Node);
      if (pair.value !== null) value[name] = this.read(pair.value as Node, at, depth + 1, key);
      else {
        this.spots.set(at, { key, value: key });
        value[name] = null;
      }
    }
    return value;
  }

  /** The name of a field, or undefined when the field cannot be kept. */
  private name(node: Node, pointer: string, seen: Map<string, string>): string | undefined {
    const fault = this.faultOfName(node, seen);
    if (fault === undefined) return String((node as Scalar).value);
    this.findings.push({ pointer, message: inPath(pointer) + fault, offset: offsetOf(node) });
    return undefined;
  }

  private faultOfName(node: Node, seen: Map<string, string>): string | undefined {
    if (!isScalar(node)) return "a name must be text, found something else";
    const name = node.value;
    if (typeof name !== "string")
      return `a name must be text, found ${node.source || "nothing"}; quote it if it is meant`;
    const unseen = UNSEEN.exec(name);
    if (unseen !== null) return `the name ${shown(name)} holds the invisible character ${codePoint(unseen[0])}`;
    if (name === "<<") return "merge keys (`<<`) are not allowed; write the fields out";
    if (FORBIDDEN.has(name)) return `the name \`${name}\` is not allowed`;
    const form = name.normalize("NFC");
    const other = seen.get(form);
    seen.set(form, name);
    if (other === undefined) return undefined;
    return `the field ${shown(name)} is given twice${other === name ? "" : ", spelled with different code points"}`;
  }

  private scalar(node: Scalar, pointer: string): Json {
    const { value, source = "" } = node;
    if (node.type !== "PLAIN") return this.text(String(value), pointer);
    if (typeof value === "number" || UNDERSCORED.test(source)) return this.number(source, pointer);
    if (value === null || typeof value === "boolean") return value;
    return this.text(String(value), pointer);
  }

  private number(source: string, pointer: string): Json {
    const value = Number(source);
    if (!JSON_NUMBER.test(source)) {
      return this.find(
        pointer,
        `\`${source}\` is not a plain decimal number; write it in decimal, or quote it if it is text`,
      );
    }
    if (!Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value))) {
      return this.find(pointer, `the number \`${source}\` is beyond 2^53 and would be rounded; quote it if it is text`);
    }
    return value === 0 ? 0 : value;
  }

  private text(value: string, pointer: string): Json {
    if (!value.isWellFormed())
      return this.find(pointer, "the text holds half of a surrogate pair, which is no character");
    if (value.includes("\0")) return this.find(pointer, "the text holds the character NUL (U+0000)");
    return value;
  }

  private place(node: Node, pointer: string, key: number | undefined): void {
    if (this.spots.has(pointer)) return;
    const source = isScalar(node) && node.type === "PLAIN" ? node.source : undefined;
    this.spots.set(pointer, {
      ...(key === undefined ? {} : { key }),
      value: offsetOf(node),
      ...(source === undefined ? {} : { source }),
    });
  }

  private find(pointer: string, message: string): null {
    this.findings.push({ pointer, message: inPath(pointer) + message });
    return null;
  }
}

function offsetOf(node: Node): number {
  return node.range?.[0] ?? 0;
}

function inPath(pointer: string): string {
  return pointer === "" ? "" : `${dotted(pointer)}: `;
}
