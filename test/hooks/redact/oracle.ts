/**
 * What the redaction should do, said once more with plain regular expressions, as slowly as that may be. It finds secrets in
 * canonical JSON text from left to right; it knows nothing of values that were seen before.
 */

/** A secret that starts at `start`; `essence` is where that begins which identifies it. */
interface Hit {
  readonly kind: string;
  readonly start: number;
  readonly essence: number;
  readonly end: number;
}

/** Tokens in the order in which they are tried. The group `keep` stays in the text; `alone` must not go on a word. */
const TOKENS: readonly { readonly kind: string; readonly source: string; readonly alone?: true }[] = [
  { kind: "aws-access-key", source: "(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16,}" },
  { kind: "google-api-key", source: "AIza[A-Za-z0-9_-]{35,}" },
  { kind: "google-oauth", source: "(?:ya29\\.|GOCSPX-)[A-Za-z0-9_-]{20,}" },
  { kind: "azure-sas", source: "(?<keep>sig=)[A-Za-z0-9%+/=_-]{40,}" },
  { kind: "github-token", source: "gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,}" },
  { kind: "gitlab-token", source: "(?:glpat|gldt|glrt|glptt|glcbt)-[A-Za-z0-9_-]{20,}" },
  { kind: "slack-token", source: "(?:xox[abeprs]|xapp)-[A-Za-z0-9-]{10,}" },
  { kind: "slack-webhook", source: "(?<keep>hooks\\.slack\\.com/services/)[A-Za-z0-9/]{20,}" },
  { kind: "stripe-key", source: "[rs]k_(?:live|test)_[A-Za-z0-9]{16,}|whsec_[A-Za-z0-9]{24,}" },
  { kind: "anthropic-key", source: "sk-ant-[A-Za-z0-9_-]{20,}" },
  { kind: "openai-key", source: "sk-(?=[A-Za-z0-9_-]{0,63}[0-9])[A-Za-z0-9_-]{20,}", alone: true },
  { kind: "npm-token", source: "npm_[A-Za-z0-9]{36,}" },
  { kind: "pypi-token", source: "pypi-[A-Za-z0-9_-]{50,}" },
  { kind: "huggingface-token", source: "hf_[A-Za-z0-9]{30,}", alone: true },
  { kind: "sendgrid-key", source: "SG\\.[A-Za-z0-9_.-]{60,}", alone: true },
  { kind: "twilio-key", source: "SK[0-9a-f]{32,}", alone: true },
  { kind: "digitalocean-token", source: "dop_v1_[0-9a-f]{60,}" },
  { kind: "shopify-token", source: "shp(?:at|ss)_[A-Za-z0-9]{32,}" },
  { kind: "databricks-token", source: "dapi[0-9a-f]{32,}", alone: true },
  { kind: "vault-token", source: "hvs\\.[A-Za-z0-9_-]{24,}" },
  { kind: "age-key", source: "AGE-SECRET-KEY-1[A-Z0-9]{50,}" },
  {
    kind: "bearer-token",
    source: "(?<keep>[Bb]earer )(?:(?=[A-Za-z0-9._~+/=-]{0,63}[0-9])[A-Za-z0-9._~+/=-]{8,}|[A-Za-z0-9._~+/=-]{24,})",
  },
  { kind: "jwt", source: "eyJ[A-Za-z0-9_-]{7,}(?<long>\\.[A-Za-z0-9_-]*\\.[A-Za-z0-9_-]*)(?:\\.[A-Za-z0-9_-]+){0,2}" },
  {
    kind: "private-key",
    source:
      "-----BEGIN (?<label>[A-Z0-9 ]{0,48})-----(?:[^\\\\]|\\\\u....|\\\\[^u])*?(?:-----END [A-Z0-9 ]{0,48}-----|$)",
  },
];
const SECRETS = TOKENS.map((token) => ({ ...token, regex: new RegExp(token.source, "y") }));

const NAMES: readonly { readonly kind: string; readonly words: string }[] = [
  { kind: "aws-secret-key", words: "secretaccesskey awssecretkey" },
  { kind: "azure-storage-key", words: "accountkey" },
  { kind: "authorization", words: "authorization" },
  { kind: "password", words: "password passwd passphrase passcode pwd" },
  { kind: "password", words: "|pass" },
  {
    kind: "secret",
    words:
      "secret secretkey apikey accesskey privatekey encryptionkey signingkey masterkey authkey authtoken token credential credentials connectionstring",
  },
];

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
    .map((hit) => ({ ...hit, value: json.slice(hit.essence, hit.end).slice(-96) }))
    .filter(({ kind, value, essence, end }) => isLearned(kind, value, end - essence))
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

function isLearned(kind: string, value: string, length: number): boolean {
  if (["email", "card", "private-key"].includes(kind) || !/^[ !#-[\]-~]{8,}$/.test(value)) return false;
  if (!["password", "secret", "url-password", "authorization", "bearer-token"].includes(kind)) return true;
  if (/^sha256:/.test(value) || (length === 64 && /^[0-9a-f]{64}$/.test(value))) return false;
  return /\d/.test(value) && /[A-Za-z]/.test(value);
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
  for (const string of json.matchAll(STRING)) {
    const start = string.index + 1;
    const end = start + (string[1] ?? "").length;
    if (start < done) continue;
    yield* stringHits(json.slice(0, end), start, mails);
    // The value of a member whose name says that it is a secret.
    const member = string[2] === ":" ? new RegExp(STRING.source, "y") : undefined;
    const value = member && match(member, json, end + 2);
    const hit = value && assigned(json.slice(0, end + 3 + (value[1] ?? "").length), end + 1, false);
    if (hit === undefined) continue;
    done = hit.end + 1;
    yield hit;
  }
}

/** The secrets of one string, which starts at `from` and ends with `text`. */
function* stringHits(text: string, from: number, mails: boolean): Generator<Hit> {
  let least = from;
  let redacted = -1;
  for (let i = from; i < text.length; ) {
    const skipped = match(/\\(?:u....|[^u])/y, text, i) ?? match(/\[REDACTED:[A-Za-z0-9-]{1,32}:\d{1,10}\]/y, text, i);
    if (skipped !== undefined) {
      i += skipped[0].length;
      if (skipped[0].startsWith("\\")) least = i;
      continue;
    }
    const value = /[:=]/.test(text[i] ?? "") ? assigned(text, i, true) : undefined;
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

function match(regex: RegExp, text: string, at: number): RegExpExecArray | undefined {
  regex.lastIndex = at;
  return regex.exec(text) ?? undefined;
}

function standsAlone(text: string, i: number, redacted: number): boolean {
  const regex = /(?<![A-Za-z0-9_])|(?<=\\[bfnrt])|(?<=\\u....)/y;
  return i === redacted || match(regex, text, i) !== undefined;
}

function secret(text: string, i: number, redacted: number): Hit | undefined {
  for (const { kind, regex, alone } of SECRETS) {
    const found = match(regex, text, i);
    if (found === undefined || (alone && !standsAlone(text, i, redacted))) continue;
    const { keep = "", label = "PRIVATE KEY", long = "............" } = found.groups ?? {};
    if (!/PRIVATE KEY(?: BLOCK)?$/.test(label) || long.length < 12) continue;
    return { kind, start: i + keep.length, essence: i + keep.length, end: i + found[0].length };
  }
  return undefined;
}

function card(text: string, i: number, redacted: number): Hit | undefined {
  if (!/\d/.test(text[i] ?? "") || !standsAlone(text, i, redacted) || /\d\.$/.test(text.slice(i - 2, i)))
    return undefined;
  for (const separator of ["-", " "]) {
    const run = match(new RegExp(`\\d{3,}(?:${separator}\\d{3,})*(?:${separator}\\d+)?|\\d+`, "y"), text, i)?.[0] ?? "";
    const groups = run.split(separator);
    for (let n = groups.length; n > 0; n -= 1) {
      const candidate = groups.slice(0, n).join(separator);
      const digits = candidate.replaceAll(separator, "");
      const end = i + candidate.length;
      const dashed = n > 1 && separator === "-" && (text[i - 1] === "-" || text[end] === "-");
      const border = match(/(?![A-Za-z0-9_]|\.\d|\[REDACTED:)/y, text, end) !== undefined;
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
  if (found === "" || /^\[REDACTED:[A-Za-z0-9-]+:\d+\]$/.test(found) || isReference(found)) return undefined;
  return { kind: "url-password", start: i + 1, essence: i + 1, end: i + 1 + found.length };
}

function kindOfName(
  before: string,
): { readonly kind: string; readonly name: string; readonly tight: boolean } | undefined {
  const found = /([A-Za-z0-9_.-]*[A-Za-z])(\\*"|['`])?(\]?)( *)$/.exec(before);
  if (!found) return undefined;
  const [, name = "", quote = "", bracket, spaces] = found;
  const tight = quote === "" && bracket === "" && spaces === "";
  for (const { kind, words } of NAMES) {
    for (const word of words.split(" ")) {
      const letters = word.replace("|", "").split("").join("[_.-]*");
      const hit = new RegExp(`${letters}$`, "i").exec(name);
      if (!hit) continue;
      const previous = before.slice(0, before.length - found[0].length + hit.index);
      const inWord =
        /[A-Za-z]$/.test(previous) &&
        !/\\[A-Za-z]$/.test(previous) &&
        !(/^[A-Z]/.test(hit[0]) && !/[A-Z]$/.test(previous));
      if (!word.startsWith("|") || !inWord) return { kind, name: before.slice(0, found.index) + name, tight };
    }
  }
  return undefined;
}

function assigned(text: string, i: number, inString: boolean): Hit | undefined {
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

  const loose = mark === "";
  const end = loose
    ? start + (match(/[A-Za-z0-9_.~!@#$%^*+/=?:-]*/y, text, start)?.[0].length ?? 0)
    : closing(text, start, inString ? mark : "");
  if (end === undefined) return undefined;
  const value = text.slice(start, end);
  if (value.length < (loose ? 6 : 4)) return undefined;
  if (loose && !looksSecret(name.kind, value) && !(name.tight && gap === "" && isEnvironment(name.name)))
    return undefined;
  if (
    loose &&
    (/^\[REDACTED:[A-Za-z0-9-]+:\d+\]/.test(text.slice(end)) || (text[end] === "(" && /^[A-Za-z0-9_.]+$/.test(value)))
  )
    return undefined;
  if (/^\[REDACTED:[A-Za-z0-9-]+:\d+\]$/.test(value) || isReference(value)) return undefined;
  const token = secret(text, start, -1);
  if (token !== undefined && token.end >= end) return { ...token, start };
  return { kind, start, essence: start, end };
}

/** Where the value behind a quotation mark ends; undefined when the line ends before. */
function closing(text: string, start: number, mark: string): number | undefined {
  if (mark === "") return text.length;
  const depth = mark.length - 1;
  const pattern = mark.endsWith('"') ? /(\\*)("|[nr])/g : new RegExp(`(\\\\*)(${mark}|"|[nr])`, "g");
  pattern.lastIndex = start;
  for (let found = pattern.exec(text); found; found = pattern.exec(text)) {
    const run = (found[1] ?? "").length;
    const isBreak = /[nr]/.test(found[2] ?? "");
    if (mark.endsWith('"')) {
      if (isBreak && run > 0 && run <= depth) return undefined;
      if (isBreak) continue;
      if (run % 2 === 0 || run < depth) return found.index;
      if (run % (2 * depth + 2) === depth) return found.index + run - depth;
    } else {
      if (isBreak && run > 0) return undefined;
      if (!isBreak && run === 0) return found.index;
    }
  }
  return text.length;
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

function isReference(value: string): boolean {
  const inert = String.raw`\[REDACTED:[A-Za-z0-9-]+:\d+\]`;
  return (
    /^\$\{[\s\S]*\}$|^\{\{[\s\S]*\}\}$|^<[\s\S]*>$|^process\.env\./.test(value) ||
    new RegExp(`^\\$(?:[A-Za-z0-9_]|${inert})*$`).test(value)
  );
}
