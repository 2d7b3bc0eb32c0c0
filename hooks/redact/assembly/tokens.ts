import * as kinds from "./kinds";
import { LAST_TOKEN, mark, start, startAt } from "./starts";
import {
  ALNUM,
  ALNUM_DASH,
  ALNUM_SLASH,
  at,
  BEARER,
  DIGIT,
  DOTTED,
  follows,
  HEX,
  is,
  PERCENT64,
  runAtMost,
  runOf,
  standsAlone,
  UNIT,
  UPPER_DIGIT,
  URL64,
  units,
  WORD,
} from "./text";

/** Secrets that begin with a literal and go on with characters of one class. */
@unmanaged
export class Token {
  kind: u32;
  literal: usize;
  /** Characters of the literal that stay in the text. */
  keeps: i32;
  classes: u32;
  least: i32;
  /** How many characters it needs when there is no digit among the first 64; never enough if 0. */
  leastWithoutDigit: i32;
  alone: bool;
  /** Another token whose literal begins with the same two characters. */
  next: Token | null;

  keeping(characters: i32): Token {
    this.keeps = characters;
    return this;
  }

  /** Only where it does not go on a word: `task-…` is no key. */
  standingAlone(): Token {
    this.alone = true;
    return this;
  }

  /** Needs a digit, or at least so many characters; 0: a digit in any case. */
  withDigitOr(least: i32): Token {
    this.leastWithoutDigit = least;
    return this;
  }
}

const ALL: usize = memory.data(256 * 4);
let count: u32 = 0;

function add(kind: u32, literal: string, classes: u32, least: i32): Token {
  const token = new Token();
  token.kind = kind;
  token.literal = changetype<usize>(literal);
  token.classes = classes;
  token.least = least;
  token.leastWithoutDigit = least;
  token.keeps = 0;
  token.alone = false;
  const first = literal.charCodeAt(0);
  const second = literal.charCodeAt(1);
  const alike = start(first, second);
  token.next = alike === 0 ? null : tokenOf(alike);
  count += 1;
  store<usize>(ALL + ((<usize>count) << 2), changetype<usize>(token));
  mark(first, second, count);
  return token;
}

/** A token by the code under which its first two characters are marked. */
function tokenOf(position: u32): Token {
  return changetype<Token>(load<usize>(ALL + (position << 2)));
}

/** The token that `tokenAt` recognised. */
export let token: Token = new Token();

/** Behind the token that starts here, or 0. `redacted` is where the last redaction ended. */
export function tokenAt(p: usize, redacted: usize): usize {
  const code = startAt(p);
  let next: Token | null = code === 0 || code > LAST_TOKEN ? null : tokenOf(code);
  while (next !== null) {
    const end = endOf(next, p, redacted);
    if (end !== 0) {
      token = next;
      return end;
    }
    next = next.next;
  }
  return 0;
}

function endOf(expected: Token, p: usize, redacted: usize): usize {
  const literal = changetype<string>(expected.literal);
  if (!follows(p, literal) || (expected.alone && !standsAlone(p, redacted))) return 0;
  const body = p + ((<usize>literal.length) << 1);
  let least = expected.least;
  if (expected.leastWithoutDigit !== least && !hasDigit(body, runAtMost(expected.classes, body, 64))) {
    least = expected.leastWithoutDigit;
    if (least === 0) return 0;
  }
  if (units(body, runAtMost(expected.classes, body, least)) < least) return 0;
  return runOf(expected.classes, body);
}

export function hasDigit(from: usize, to: usize): bool {
  for (let p = from; p < to; p += UNIT) if (is(at(p), DIGIT)) return true;
  return false;
}

// Of literals that begin alike, the longer ones come later, since the one added last is tried first.
add(kinds.AWS_ACCESS_KEY, "AKIA", UPPER_DIGIT, 16);
add(kinds.AWS_ACCESS_KEY, "ASIA", UPPER_DIGIT, 16);
add(kinds.AWS_ACCESS_KEY, "ABIA", UPPER_DIGIT, 16);
add(kinds.AWS_ACCESS_KEY, "ACCA", UPPER_DIGIT, 16);
add(kinds.GOOGLE_API_KEY, "AIza", URL64, 35);
add(kinds.GOOGLE_OAUTH, "ya29.", URL64, 20);
add(kinds.GOOGLE_OAUTH, "GOCSPX-", URL64, 20);
add(kinds.AZURE_SAS, "sig=", PERCENT64, 40).keeping(4);
add(kinds.GITHUB_TOKEN, "ghp_", ALNUM, 36);
add(kinds.GITHUB_TOKEN, "gho_", ALNUM, 36);
add(kinds.GITHUB_TOKEN, "ghu_", ALNUM, 36);
add(kinds.GITHUB_TOKEN, "ghs_", ALNUM, 36);
add(kinds.GITHUB_TOKEN, "ghr_", ALNUM, 36);
add(kinds.GITHUB_TOKEN, "github_pat_", WORD, 22);
add(kinds.GITLAB_TOKEN, "glpat-", URL64, 20);
add(kinds.GITLAB_TOKEN, "gldt-", URL64, 20);
add(kinds.GITLAB_TOKEN, "glrt-", URL64, 20);
add(kinds.GITLAB_TOKEN, "glptt-", URL64, 20);
add(kinds.GITLAB_TOKEN, "glcbt-", URL64, 20);
add(kinds.SLACK_TOKEN, "xoxb-", ALNUM_DASH, 10);
add(kinds.SLACK_TOKEN, "xoxp-", ALNUM_DASH, 10);
add(kinds.SLACK_TOKEN, "xoxa-", ALNUM_DASH, 10);
add(kinds.SLACK_TOKEN, "xoxr-", ALNUM_DASH, 10);
add(kinds.SLACK_TOKEN, "xoxs-", ALNUM_DASH, 10);
add(kinds.SLACK_TOKEN, "xoxe-", ALNUM_DASH, 10);
add(kinds.SLACK_TOKEN, "xapp-", ALNUM_DASH, 10);
add(kinds.SLACK_WEBHOOK, "hooks.slack.com/services/", ALNUM_SLASH, 20).keeping(25);
add(kinds.STRIPE_KEY, "whsec_", ALNUM, 24);
add(kinds.STRIPE_KEY, "rk_live_", ALNUM, 16);
add(kinds.STRIPE_KEY, "rk_test_", ALNUM, 16);
add(kinds.OPENAI_KEY, "sk-", URL64, 20).standingAlone().withDigitOr(0);
add(kinds.ANTHROPIC_KEY, "sk-ant-", URL64, 20);
add(kinds.STRIPE_KEY, "sk_live_", ALNUM, 16);
add(kinds.STRIPE_KEY, "sk_test_", ALNUM, 16);
add(kinds.NPM_TOKEN, "npm_", ALNUM, 36);
add(kinds.PYPI_TOKEN, "pypi-", URL64, 50);
add(kinds.HUGGINGFACE_TOKEN, "hf_", ALNUM, 30).standingAlone();
add(kinds.SENDGRID_KEY, "SG.", DOTTED, 60).standingAlone();
add(kinds.TWILIO_KEY, "SK", HEX, 32).standingAlone();
add(kinds.DIGITALOCEAN_TOKEN, "dop_v1_", HEX, 60);
add(kinds.SHOPIFY_TOKEN, "shpat_", ALNUM, 32);
add(kinds.SHOPIFY_TOKEN, "shpss_", ALNUM, 32);
add(kinds.DATABRICKS_TOKEN, "dapi", HEX, 32).standingAlone();
add(kinds.VAULT_TOKEN, "hvs.", URL64, 24);
add(kinds.AGE_KEY, "AGE-SECRET-KEY-1", UPPER_DIGIT, 50);
add(kinds.BEARER_TOKEN, "Bearer ", BEARER, 8).keeping(7).withDigitOr(24);
add(kinds.BEARER_TOKEN, "bearer ", BEARER, 8).keeping(7).withDigitOr(24);
