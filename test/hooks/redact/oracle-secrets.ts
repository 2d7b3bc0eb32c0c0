/** Secrets that are recognised by how they begin, as plain regular expressions. */

/** A secret that starts at `start`; `essence` is where that begins which identifies it. */
export interface Hit {
  readonly kind: string;
  readonly start: number;
  readonly essence: number;
  readonly end: number;
}

/** A private key: PEM, or PEM in base64. It may have several lines; one that does not end goes to the end of the string. */
export const BLOCK = [
  "-----BEGIN (?=[A-Z0-9 ]{0,48}-----)(?=[A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----)[A-Z0-9 ]*-----",
  "(?:[^\\\\]|\\\\u....|\\\\[^u])*?(?:-----END [A-Z0-9 ]{0,48}-----|$)",
  "|LS0tLS1CRUdJTi(?:BQUklWQVRFIEtFW|BSU0EgUFJJVkFURSBLRV|BFQyBQUklWQVRFIEtFW|BFTkNSWVBURUQgUFJJVkFURSBLRV|BPUEVOU1NIIFBSSVZBVEUgS0VZ)",
  "[A-Za-z0-9+/=]*(?:(?:\\\\+[nr])+[A-Za-z0-9+/=]{60,})*(?:(?:\\\\+[nr])+[A-Za-z0-9+/=]{1,59}(?![A-Za-z0-9+/=]))?",
].join("");

/** Tokens in the order in which they are tried. The group `keep` stays in the text; `alone` must not go on a word. */
export const TOKENS: readonly { readonly kind: string; readonly source: string; readonly alone?: true }[] = [
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
  { kind: "private-key", source: BLOCK },
];
const SECRETS = TOKENS.map((token) => ({ ...token, regex: new RegExp(token.source, "y") }));

export function match(regex: RegExp, text: string, at: number): RegExpExecArray | undefined {
  regex.lastIndex = at;
  return regex.exec(text) ?? undefined;
}

/** Not behind a letter, digit or underscore, but for those of an escape. */
export function standsAlone(text: string, i: number, redacted: number): boolean {
  const regex = /(?<![A-Za-z0-9_])|(?<=\\[bfnrt])|(?<=\\u....)/y;
  return i === redacted || match(regex, text, i) !== undefined;
}

/** The token, JWT or private key that starts at `i`. */
export function secret(text: string, i: number, redacted: number): Hit | undefined {
  for (const { kind, regex, alone } of SECRETS) {
    const found = match(regex, text, i);
    if (found === undefined || (alone && !standsAlone(text, i, redacted))) continue;
    const { keep = "", long = "............" } = found.groups ?? {};
    if (long.length < 12) continue;
    return { kind, start: i + keep.length, essence: i + keep.length, end: i + found[0].length };
  }
  return undefined;
}
