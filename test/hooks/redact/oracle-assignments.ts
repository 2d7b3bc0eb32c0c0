import { BLOCK, type Hit, match, secret, TOKENS } from "./oracle-secrets.ts";

/** Values whose names say that they are secrets, as plain regular expressions. */

const KINDS = [...TOKENS, { kind: "aws-secret-key" }, { kind: "azure-storage-key" }, { kind: "azure-client-secret" }]
  .concat(["authorization", "password", "secret", "url-password", "card", "email"].map((kind) => ({ kind })))
  .map(({ kind }) => kind);
export const PLACEHOLDER = String.raw`\[REDACTED:(?:${KINDS.join("|")}):\d{1,10}\]`;

const NAMES: readonly { readonly kind: string; readonly words: string }[] = [
  { kind: "aws-secret-key", words: "secretaccesskey awssecretkey" },
  { kind: "azure-storage-key", words: "accountkey" },
  { kind: "authorization", words: "authorization" },
  { kind: "password", words: "password passwd passphrase passcode pwd" },
  { kind: "password", words: "|pass" },
  {
    kind: "secret",
    words:
      "secret secretkey apikey accesskey privatekey encryptionkey signingkey masterkey authkey token credential credentials connectionstring",
  },
];

interface Name {
  readonly kind: string;
  /** The text up to the end of the name. */
  readonly before: string;
  /** Nothing stands between the name and the separator. */
  readonly tight: boolean;
}

function kindOfName(text: string): Name | undefined {
  const found = /([A-Za-z0-9_.-]*[A-Za-z])(\\*"|['`])?(\]?)( *)$/.exec(text);
  if (!found) return undefined;
  const [, name = "", quote = "", bracket, spaces] = found;
  const tight = quote === "" && bracket === "" && spaces === "";
  for (const { kind, words } of NAMES) {
    for (const word of words.split(" ")) {
      const letters = word.replace("|", "").split("").join("[_.-]*");
      const hit = new RegExp(`${letters}$`, "i").exec(name);
      if (!hit) continue;
      const previous = text.slice(0, text.length - found[0].length + hit.index);
      const inWord =
        /[A-Za-z]$/.test(previous) &&
        !/\\[A-Za-z]$/.test(previous) &&
        !(/^[A-Z]/.test(hit[0]) && !/[A-Z]$/.test(previous));
      if (!word.startsWith("|") || !inWord) return { kind, before: text.slice(0, found.index) + name, tight };
    }
  }
  return undefined;
}

/** The value that is assigned by the `:` or `=` at `i`: within a string that ends with `text`, or by a member of the payload. */
export function assigned(text: string, i: number, inString: boolean): Hit | undefined {
  const name = kindOfName(text.slice(0, i));
  if (name === undefined) return undefined;
  const operator = match(/.[=>]*/y, text, i)?.[0] ?? "";
  const gap = match(/ */y, text, i + operator.length)?.[0] ?? "";
  let start = i + operator.length + gap.length;
  const mark = match(/\\*["'`]/y, text, start)?.[0] ?? "";
  if (inString ? mark === '"' || (mark.endsWith('"') && mark.length % 2 === 1) : mark !== '"') return undefined;
  if (mark.length > 1 && !mark.endsWith('"')) return undefined;
  start += mark.length;
  let { kind } = name;
  const scheme = kind === "authorization" ? match(/([A-Za-z]{1,20}) /y, text, start) : undefined;
  if (scheme?.[0].slice(1) === "earer ") kind = "bearer-token";
  start += scheme?.[0].length ?? 0;

  const token = secret(text, start, -1);
  const end = mark === "" ? looseEnd(text, start, name, gap) : quotedEnd(text, start, inString ? mark : "");
  if (end === undefined) return undefined;
  const value = text.slice(start, end);
  if (new RegExp(`^${PLACEHOLDER}$`).test(value) || isReference(value)) return undefined;
  return token !== undefined && token.end >= end ? { ...token, start } : { kind, start, essence: start, end };
}

/** Where a value without quotation marks ends; undefined when it does not look like a secret. */
function looseEnd(text: string, start: number, name: Name, gap: string): number | undefined {
  const value = match(/[A-Za-z0-9_.~!@#$%^*+/=?:-]*/y, text, start)?.[0] ?? "";
  const end = start + value.length;
  const isVariable = name.tight && gap === "" && isEnvironment(name.before);
  if (value.length < 6 || !(looksSecret(name.kind, value) || isVariable)) return undefined;
  const isCall = text[end] === "(" && /^[A-Za-z0-9_.]+$/.test(value);
  return isCall || new RegExp(`^${PLACEHOLDER}`).test(text.slice(end)) ? undefined : end;
}

/** Where the value behind a quotation mark ends; undefined when it is short. It ends with the line at the latest. */
function quotedEnd(text: string, start: number, mark: string): number | undefined {
  const end =
    mark === ""
      ? text.length
      : mark.endsWith('"')
        ? nestedEnd(text, start, mark.length - 1)
        : markedEnd(text, start, mark);
  return end - start < 4 ? undefined : end;
}

/** Quotation marks of JSON in JSON: `depth` backslashes stand before the one that closes. */
function nestedEnd(text: string, start: number, depth: number): number {
  for (const { index, run, sign } of signs(text, start, '"')) {
    if (sign === '"' && (run % 2 === 0 || run < depth)) return index;
    if (sign === '"' && run % (2 * depth + 2) === depth) return index + run - depth;
    if (sign !== '"' && run > 0 && run <= depth) return index;
  }
  return text.length;
}

function markedEnd(text: string, start: number, mark: string): number {
  for (const { index, run, sign } of signs(text, start, mark)) {
    if (sign === mark && run === 0) return index;
    if (sign !== mark && run > 0) return index;
  }
  return text.length;
}

/** Quotation marks and letters of line breaks with the backslashes before them; none within a private key. */
function* signs(text: string, start: number, mark: string): Generator<{ index: number; run: number; sign: string }> {
  const pattern = new RegExp(`${BLOCK}|(?<run>\\\\*)(?<sign>[${mark}nr])`, "g");
  pattern.lastIndex = start;
  for (let found = pattern.exec(text); found; found = pattern.exec(text)) {
    const { run, sign } = found.groups ?? {};
    if (run === undefined || sign === undefined) continue;
    const index = found.index + run.length;
    const token = run !== "" && run.length % 2 === 0 && sign !== mark ? secret(text, index, -1) : undefined;
    if (token === undefined) yield { index: found.index, run: run.length, sign };
    else pattern.lastIndex = token.end;
  }
}

function looksSecret(kind: string, value: string): boolean {
  if (kind === "authorization") return true;
  const head = value.slice(0, 64);
  return /\d/.test(head) && (kind === "password" || /[A-Za-z]/.test(head));
}

/** `before` ends with the name of a variable: all of it in capitals, or at the beginning of a line. */
function isEnvironment(before: string): boolean {
  const [name = ""] = /(?:(?<=\\[A-Za-z0-9_.-])|(?<!\\))[A-Za-z0-9_.-]{0,64}$/.exec(before) ?? [];
  const previous = before.slice(0, before.length - name.length);
  return (name !== "" && !/[a-z]/.test(name)) || /"$|\\[nr]$/.test(previous);
}

/** `${NAME}` and the like. */
export function isReference(value: string): boolean {
  return (
    /^(?:\$\{[^{}<>"'`\\]*\}|\{\{[^{}<>"'`\\]*\}\}|<[^{}<>"'`\\]*>)$/.test(value) ||
    new RegExp(`^(?:\\$|process\\.env\\.)(?:[A-Za-z0-9_]|${PLACEHOLDER})*$`).test(value)
  );
}
