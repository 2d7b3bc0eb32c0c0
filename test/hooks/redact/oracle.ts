import { assigned, isReference, PLACEHOLDER } from "./oracle-assignments.ts";
import { type Hit, match, secret, standsAlone } from "./oracle-secrets.ts";

/**
 * What the redaction should do, said once more with plain regular expressions, as slowly as that may be: secrets in
 * canonical JSON text from left to right, then the values among them wherever else they stand.
 */

const CARDS: readonly RegExp[] = [
  /^4(?:\d{12}|\d{15}|\d{18})$/,
  /^(?:5[1-5]\d{14}|222[1-9]\d{12}|22[3-9]\d{13}|2[3-6]\d{14}|27[01]\d{13}|2720\d{12})$/,
  /^3[47]\d{13}$/,
  /^35\d{14,17}$/,
  /^(?:36|38|39)\d{12}$|^30[0-5]\d{11}$/,
  /^(?:50|5[6-9]|6\d)\d{11,17}$/,
];

const STRING = /"((?:[^"\\]|\\u....|\\[^u])*)"(:?)/g;

/** The canonical JSON text with placeholders in place of secrets, numbered from 1. */
export function redactPlainly(json: string, options: { readonly mails: boolean }): string {
  const placeholder = numbering();
  const hits = [...hitsOf(json, options.mails)].map((hit) => ({
    ...hit,
    text: placeholder(hit.kind, json.slice(hit.essence, hit.end)),
  }));
  let out = "";
  let at = 0;
  for (const hit of [...hits, ...echoesOf(json, hits)].sort((left, right) => left.start - right.start)) {
    out += json.slice(at, hit.start) + hit.text;
    at = hit.end;
  }
  return out + json.slice(at);
}

interface Placed extends Hit {
  readonly text: string;
}

/** Where values that were found somewhere stand without what gave them away. */
function* echoesOf(json: string, hits: readonly Placed[]): Generator<Placed> {
  const learned = hits
    .flatMap((hit) => learnedOf(hit.kind, json.slice(hit.essence, hit.end)).map((value) => ({ ...hit, value })))
    .sort((left, right) => right.value.length - left.value.length);
  for (const string of json.matchAll(STRING)) {
    const last = string.index + 1 + (string[1] ?? "").length;
    let least = string.index + 1;
    for (let end = least; end <= last; end += 1) {
      const over = hits.find((hit) => hit.start < end && end <= hit.end);
      if (over !== undefined) least = end = over.end;
      if (json[end - 1] === "\\" && end > least) least = end += json[end] === "u" ? 5 : 1;
      const echo = learned.find(
        ({ value }) => end - value.length >= least && json.slice(end - value.length, end) === value,
      );
      if (echo === undefined || over !== undefined) continue;
      yield { ...echo, start: end - echo.value.length, end };
      least = end;
    }
  }
}

/** What is remembered of a value: its end, the lines of a private key, or nothing where it might be anything. */
function learnedOf(kind: string, essence: string): readonly string[] {
  if (kind === "email" || kind === "card") return [];
  if (kind === "private-key") {
    const lines = essence.replace(/(?:\\+[nr])+/g, "\n").match(/[A-Za-z0-9+/=]{32,}/g) ?? [];
    return lines.slice(0, 64).map((line) => line.slice(-96));
  }
  const isNamed = [
    "aws-secret-key",
    "azure-storage-key",
    "bearer-token",
    "authorization",
    "password",
    "secret",
    "url-password",
  ];
  const isDigest = essence.startsWith("sha256:") || /^[0-9a-f]{64}$/.test(essence);
  if (isNamed.includes(kind) && (isDigest || !/\d/.test(essence) || !/[A-Za-z]/.test(essence))) return [];
  return /^[ !#-[\]-~]{8,}$/.test(essence.slice(-96)) ? [essence.slice(-96)] : [];
}

function numbering(): (kind: string, essence: string) => string {
  const known = new Map<string, string>();
  const counts = new Map<string, number>();
  return (kind, essence) => {
    const value = essence.replace(/\\+/g, "\\");
    const number = (counts.get(kind) ?? 0) + 1;
    const placeholder = known.get(value) ?? `[REDACTED:${kind}:${number}]`;
    if (!known.has(value)) counts.set(kind, number);
    known.set(value, placeholder);
    return placeholder;
  };
}

function* hitsOf(json: string, mails: boolean): Generator<Hit> {
  let done = 0;
  let redacted = 0;
  for (const string of json.matchAll(STRING)) {
    const start = string.index + 1;
    const end = start + (string[1] ?? "").length;
    if (start < done) continue;
    for (const hit of stringHits(json.slice(0, end), start, mails)) {
      redacted = hit.end;
      yield hit;
    }
    // The value of a member whose name says that it is a secret.
    const member = string[2] === ":" ? new RegExp(STRING.source, "y") : undefined;
    const value = member && match(member, json, end + 2);
    if (value === undefined) continue;
    const text = json.slice(0, end + 3 + (value[1] ?? "").length);
    const hit = assigned(without(text, redacted), end + 1, false);
    if (hit === undefined) continue;
    done = hit.end + 1;
    redacted = hit.end;
    yield hit;
  }
}

/** What was redacted is no part of a name. */
function without(text: string, redacted: number): string {
  return redacted < 0 ? text : "]".repeat(redacted) + text.slice(redacted);
}

/** The secrets of one string, which starts at `from` and ends with `text`. */
function* stringHits(text: string, from: number, mails: boolean): Generator<Hit> {
  let least = from;
  let redacted = -1;
  for (let i = from; i < text.length; ) {
    const skipped = match(/\\(?:u....|[^u])/y, text, i) ?? match(new RegExp(PLACEHOLDER, "y"), text, i);
    if (skipped !== undefined) {
      i += skipped[0].length;
      if (skipped[0].startsWith("\\")) least = i;
      continue;
    }
    const value = /[:=]/.test(text[i] ?? "") ? assigned(without(text, redacted), i, true) : undefined;
    const token = secret(text, i, redacted);
    const hit =
      value ??
      token ??
      userinfo(text, i) ??
      card(text, i, redacted) ??
      azure(text, i, least) ??
      (mails ? mail(text, i, least) : undefined);
    if (hit === undefined) {
      i += 1;
      continue;
    }
    yield hit;
    i = hit.end;
    const pair =
      hit === token && hit.kind === "aws-access-key"
        ? match(/([,:| ]{1,3})[A-Za-z0-9/]{40}(?![A-Za-z0-9/])/y, text, i)
        : undefined;
    if (pair !== undefined) {
      const start = i + (pair[1] ?? "").length;
      i += pair[0].length;
      yield { kind: "aws-secret-key", start, essence: start, end: i };
    }
    least = redacted = i;
  }
}

function card(text: string, i: number, redacted: number): Hit | undefined {
  const before = i === redacted ? "" : text.slice(i - 2, i);
  if (!/\d/.test(text[i] ?? "") || !standsAlone(text, i, redacted) || /\d\.$/.test(before)) return undefined;
  for (const separator of ["-", " "]) {
    const run = match(new RegExp(`\\d{3,}(?:${separator}\\d{3,})*(?:${separator}\\d+)?|\\d+`, "y"), text, i)?.[0] ?? "";
    const groups = run.split(separator);
    for (let n = groups.length; n > 0; n -= 1) {
      const candidate = groups.slice(0, n).join(separator);
      const digits = candidate.replaceAll(separator, "");
      const end = i + candidate.length;
      const dashed = n > 1 && separator === "-" && (before.endsWith("-") || text[end] === "-");
      const border = match(new RegExp(`(?![A-Za-z0-9_]|\\.\\d|${PLACEHOLDER})`, "y"), text, end) !== undefined;
      if (dashed || !border || !CARDS.some((brand) => brand.test(digits)) || !luhn(digits)) continue;
      return { kind: "card", start: i, essence: i, end };
    }
  }
  return undefined;
}

function luhn(digits: string): boolean {
  const sum = [...digits].reverse().reduce((total, digit, i) => {
    const value = Number(digit) * (i % 2 === 0 ? 1 : 2);
    return total + (value > 9 ? value - 9 : value);
  }, 0);
  return sum % 10 === 0;
}

function azure(text: string, i: number, least: number): Hit | undefined {
  if (!text.startsWith("Q~", i) || i - 4 < least) return undefined;
  const found = match(/[A-Za-z0-9._~+/=-]{3}\d(?=Q~)(?:[A-Za-z0-9._~+/=-]{33,})/y, text, i - 4);
  return found && { kind: "azure-client-secret", start: i - 4, essence: i - 4, end: i - 4 + found[0].length };
}

function mail(text: string, i: number, least: number): Hit | undefined {
  const local = /[A-Za-z0-9._%+-]{1,64}$/.exec(text.slice(least, i))?.[0];
  const host = match(/@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}/y, text, i)?.[0];
  if (local === undefined || host === undefined) return undefined;
  return { kind: "email", start: i - local.length, essence: i - local.length, end: i + host.length };
}

const USERINFO = "[!$%&()*+,\\-.0-9:;=A-Z[\\]^_a-z{|}~]";

function userinfo(text: string, i: number): Hit | undefined {
  if (text[i] !== ":" || !new RegExp(`:[/]{2}(?:(?!:)${USERINFO}){0,63}$`).test(text.slice(0, i))) return undefined;
  const found = match(new RegExp(`(?:${USERINFO}|@){0,255}(?=@)`, "y"), text, i + 1)?.[0] ?? "";
  if (found === "" || new RegExp(`^${PLACEHOLDER}$`).test(found) || isReference(found)) return undefined;
  return { kind: "url-password", start: i + 1, essence: i + 1, end: i + 1 + found.length };
}
