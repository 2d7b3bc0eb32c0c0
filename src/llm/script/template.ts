import { isJsonObject, type Json } from "../../model/json.ts";
import type { Conversation } from "./conversation.ts";
import { type Expression, evaluate, parseExpression, ScriptSyntaxError } from "./expression.ts";
import { type Found, textOf } from "./filter.ts";

const MAX_RENDERED = 256 * 1024;

/** A string of a script: literal pieces and quotations. */
export type Template = readonly (string | Expression)[];

/** A JSON value of a script whose strings are templates. */
export type JsonTemplate =
  | { readonly kind: "text"; readonly template: Template }
  | { readonly kind: "list"; readonly items: readonly JsonTemplate[] }
  | { readonly kind: "object"; readonly fields: readonly (readonly [string, JsonTemplate])[] }
  | { readonly kind: "constant"; readonly value: Json };

/** Cuts a string at its `${…}`; `$${` is a literal `${`. Throws `ScriptSyntaxError`. */
export function parseTemplate(text: string): Template {
  const pieces: (string | Expression)[] = [];
  let literal = "";
  let at = 0;
  while (at < text.length) {
    if (text.startsWith("$${", at)) {
      literal += "${";
      at += 3;
    } else if (text.startsWith("${", at)) {
      const end = closing(text, at + 2);
      if (literal !== "") pieces.push(literal);
      pieces.push(parseExpression(text.slice(at + 2, end)));
      literal = "";
      at = end + 1;
    } else {
      literal += text.charAt(at++);
    }
  }
  if (literal !== "") pieces.push(literal);
  return pieces;
}

function closing(text: string, from: number): number {
  let quoted = false;
  for (let at = from; at < text.length; at++) {
    const char = text[at];
    if (quoted && char === "\\") at++;
    else if (char === '"') quoted = !quoted;
    else if (char === "}" && !quoted) return at;
  }
  throw new ScriptSyntaxError("`${` without its `}`");
}

/** The same for all strings inside a value; `visit` reads each of them and is told its JSON pointer. */
export function parseJsonTemplate(
  value: Json,
  visit: (text: string, pointer: string) => Template,
  at = "",
): JsonTemplate {
  if (typeof value === "string") return { kind: "text", template: visit(value, at) };
  if (Array.isArray(value)) {
    return { kind: "list", items: value.map((item: Json, i) => parseJsonTemplate(item, visit, `${at}/${i}`)) };
  }
  if (isJsonObject(value)) {
    const fields = Object.entries(value);
    return { kind: "object", fields: fields.map(([key, it]) => [key, parseJsonTemplate(it, visit, `${at}/${key}`)]) };
  }
  return { kind: "constant", value };
}

/** A quotation that cannot be had at this step. */
export class QuotationError extends Error {}

export function renderText(template: Template, conversation: Conversation): string {
  let text = "";
  for (const piece of template) {
    text += typeof piece === "string" ? piece : textOf(present(evaluate(piece, conversation)));
    if (text.length > MAX_RENDERED) throw new QuotationError(`text of more than ${MAX_RENDERED} characters`);
  }
  return text;
}

export function renderJson(template: JsonTemplate, conversation: Conversation): Json {
  switch (template.kind) {
    case "constant":
      return template.value;
    case "list":
      return template.items.map((item) => renderJson(item, conversation));
    case "object":
      return Object.fromEntries(template.fields.map(([key, field]) => [key, renderJson(field, conversation)]));
    case "text": {
      const [only, ...more] = template.template;
      if (typeof only !== "object" || more.length > 0) return renderText(template.template, conversation);
      return present(evaluate(only, conversation));
    }
  }
}

function present(found: Found): Json {
  if ("missing" in found) throw new QuotationError(found.missing);
  return found.value;
}
