import { Composer, CST, type Document, Lexer, LineCounter, type ParsedNode, Parser } from "yaml";
import { BugError } from "../model/errors.ts";
import type { Place, PlacedMessage } from "./text.ts";

/** Bounds on the shape of a file. They are checked while it is read, before anything is built from it. */
export const MAX_DEPTH = 64;
export const MAX_ALIASES = 100;
const MAX_TOKENS = 100_000;

export interface Syntax {
  readonly contents: ParsedNode | null;
  readonly faults: readonly PlacedMessage[];
  place(offset: number): Place;
}

/**
 * Text to the nodes of one YAML 1.2 document (core schema). Recursion starts only when the parser's own stack has shown
 * that the file is not deep. `contents` is null when the file is beyond the bounds.
 */
export function parseSyntax(text: string): Syntax {
  const lines = new LineCounter();
  lines.addNewLine(0);
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) lines.addNewLine(at + 1);
  const place = (offset: number): Place => {
    const { line, col } = lines.linePos(Math.min(offset, text.length));
    return { line, column: col };
  };
  const { tokens, faults, beyond } = readTokens(text);
  const placed = faults.map(({ offset, message }) => ({ ...place(offset), message }));
  if (beyond) return { contents: null, faults: placed, place };
  const document = compose(tokens, text.length);
  const errors = document.errors
    .filter(({ code }) => code !== "TAG_RESOLVE_FAILED")
    .map(({ pos, message }) => ({ ...place(pos[0]), message: `not valid YAML: ${firstLower(message)}` }));
  return { contents: document.contents, faults: [...placed, ...errors], place };
}

interface Tokens {
  readonly tokens: readonly CST.Token[];
  readonly faults: readonly { readonly offset: number; readonly message: string }[];
  /** The file is too deep or too large to build anything from it. */
  readonly beyond: boolean;
}

function readTokens(text: string): Tokens {
  const parser = new Parser();
  const tokens: CST.Token[] = [];
  const faults: { offset: number; message: string }[] = [];
  let count = 0;
  let aliases = 0;
  let scalarNext = false;
  const beyond = (message: string): Tokens => ({
    tokens: [],
    faults: [...faults, { offset: parser.offset, message }],
    beyond: true,
  });
  for (const lexeme of new Lexer().lex(text)) {
    const type: string | null = scalarNext ? "scalar text" : CST.tokenType(lexeme);
    scalarNext = type === "scalar";
    if (type === "tag")
      faults.push({
        offset: parser.offset,
        message: `tags such as ${shorten(lexeme)} are not allowed; write plain values`,
      });
    if (type === "alias") aliases += 1;
    count += 1;
    if (count > MAX_TOKENS) return beyond(`the file has more than ${MAX_TOKENS} tokens`);
    if (aliases > MAX_ALIASES) return beyond(`the file has more than ${MAX_ALIASES} aliases; write the values out`);
    for (const token of parser.next(lexeme)) tokens.push(token);
    // The document itself and an open scalar take a place each.
    if (parser.stack.length > MAX_DEPTH + 2) return beyond(`the file nests deeper than ${MAX_DEPTH} levels`);
  }
  tokens.push(...parser.end());
  return { tokens: onlyFirst(tokens, faults), faults, beyond: false };
}

/** Keeps the first document. Directives could change what plain values mean, and a second document would be ignored. */
function onlyFirst(tokens: readonly CST.Token[], faults: { offset: number; message: string }[]): CST.Token[] {
  const kept: CST.Token[] = [];
  let documents = 0;
  for (const token of tokens) {
    if (token.type === "directive") {
      faults.push({ offset: token.offset, message: `directives such as ${shorten(token.source)} are not allowed` });
      continue;
    }
    if (token.type === "document") {
      documents += 1;
      if (documents === 2)
        faults.push({ offset: token.offset, message: "a second document begins here; one file holds one document" });
    }
    if (documents < 2) kept.push(token);
  }
  return kept;
}

function compose(tokens: Iterable<CST.Token>, length: number): Document.Parsed {
  const composer = new Composer({
    version: "1.2",
    schema: "core",
    merge: false,
    uniqueKeys: false,
    logLevel: "silent",
  });
  const [document] = composer.compose(tokens, true, length);
  if (document === undefined)
    throw new BugError({ code: "no-document", message: "the YAML composer gave no document" });
  return document;
}

function shorten(source: string): string {
  return `\`${source.length <= 40 ? source : `${source.slice(0, 40)}…`}\``;
}

function firstLower(message: string): string {
  return message.charAt(0).toLowerCase() + message.slice(1).replace(/\s*\n[\s\S]*$/, "");
}
