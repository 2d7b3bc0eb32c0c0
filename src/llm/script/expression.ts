import { isJsonObject, type Json } from "../../model/json.ts";
import { type Conversation, jsonOf } from "./conversation.ts";
import { FILTERS, type Found } from "./filter.ts";

const MAX_STEPS = 32;

/** `results.tests.stdout | line "not ok"`: where to begin, which way to go, what to make of it. */
export interface Expression {
  readonly source: { readonly kind: "goal" | "step" } | { readonly kind: "result"; readonly name: string };
  readonly path: Path;
  readonly filters: readonly { readonly name: string; readonly argument: string }[];
}
export type Path = readonly (string | number)[];

export class ScriptSyntaxError extends Error {}

/** Reads what stands between `${` and `}`. Throws `ScriptSyntaxError`. */
export function parseExpression(text: string): Expression {
  const [head = "", ...rest] = splitOutsideQuotes(text, "|");
  const [root, ...path] = steps(head.trim());
  const filters = rest.map(parseFilter);
  if (root === "goal" || root === "step") {
    if (path.length > 0) throw new ScriptSyntaxError(`\`${root}\` has no fields`);
    return { source: { kind: root }, path, filters };
  }
  const [name, ...within] = path;
  if (root !== "results" || typeof name !== "string") {
    throw new ScriptSyntaxError(`expected \`goal\`, \`step\` or \`results.<call>\`, found \`${head.trim()}\``);
  }
  return { source: { kind: "result", name }, path: within, filters };
}

/** Reads `matches[0].path`. Throws `ScriptSyntaxError`. */
export function parsePath(text: string): Path {
  return steps(text);
}

function steps(text: string): Path {
  const found: (string | number)[] = [];
  const step = /\.?([A-Za-z_][\w-]*)|\[(\d{1,6})\]|\["([^"\\]*)"\]/y;
  while (step.lastIndex < text.length) {
    const at = step.lastIndex;
    const match = step.exec(text);
    const dotted = text[at] === ".";
    if (match === null || (match[1] !== undefined && dotted === (at === 0)) || found.length >= MAX_STEPS) {
      throw new ScriptSyntaxError(
        `\`${text}\` is not a path: expected fields and indices as in \`results.tests[0].name\``,
      );
    }
    found.push(match[2] === undefined ? (match[1] ?? match[3] ?? "") : Number(match[2]));
  }
  return found;
}

function parseFilter(text: string): { name: string; argument: string } {
  const [, name = "", quoted] = /^([a-z]+)(?:\s*("(?:[^"\\\p{Cc}]|\\["\\nt])*"))?$/u.exec(text.trim()) ?? [];
  const filter = Object.hasOwn(FILTERS, name) ? FILTERS[name] : undefined;
  if (filter === undefined) {
    throw new ScriptSyntaxError(
      `\`${text.trim()}\` is not a filter: expected one of ${Object.keys(FILTERS).join(", ")}`,
    );
  }
  if (filter.takesText !== (quoted !== undefined)) {
    throw new ScriptSyntaxError(`\`${name}\` takes ${filter.takesText ? `a text: \`${name} "…"\`` : "nothing"}`);
  }
  return { name, argument: quoted === undefined ? "" : JSON.parse(quoted) };
}

function splitOutsideQuotes(text: string, separator: string): string[] {
  const parts = [""];
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at);
    if (char === separator && !quoted) {
      parts.push("");
      continue;
    }
    if (char === '"') quoted = !quoted;
    const escaped = quoted && char === "\\" ? text.charAt(++at) : "";
    parts[parts.length - 1] += char + escaped;
  }
  return parts;
}

export function evaluate({ source, path, filters }: Expression, conversation: Conversation): Found {
  let found = begin(source, conversation);
  if ("value" in found) found = select(found.value, path);
  for (const { name, argument } of filters) found = FILTERS[name]?.apply(found, argument) ?? found;
  return found;
}

function begin(source: Expression["source"], conversation: Conversation): Found {
  if (source.kind !== "result") return { value: conversation[source.kind] };
  const result = conversation.result(source.name);
  return result === undefined
    ? { missing: `no result of \`${source.name}\` in the conversation` }
    : { value: jsonOf(result) };
}

/** Follows own fields and indices only. */
export function select(value: Json, path: Path): Found {
  let at: Json = value;
  for (const [depth, step] of path.entries()) {
    const next: Json | undefined = child(at, step);
    if (next === undefined) {
      const where = depth === 0 ? "the result" : `\`${path.slice(0, depth).join(".")}\``;
      return { missing: `no \`${step}\` in ${where}` };
    }
    at = next;
  }
  return { value: at };
}

function child(value: Json, step: string | number): Json | undefined {
  if (Array.isArray(value)) return typeof step === "number" ? value[step] : undefined;
  return isJsonObject(value) && Object.hasOwn(value, step) ? value[step] : undefined;
}
