import { hostEnd, isUserColon, localStart, userinfoEnd } from "./address";
import { assigned, isReference, valueEnd, valueKind, valueStart } from "./assignment";
import { blockEnd, jwtEnd } from "./blocks";
import { cardEnd } from "./card";
import { escaped, notePlaceholder, redact, redacted } from "./findings";
import * as kinds from "./kinds";
import { placeholderEnd } from "./placeholder";
import * as starts from "./starts";
import { ALNUM_SLASH, at, BEARER, COLON, COMMA, DIGIT, is, PIPE, runAtMost, runOf, SPACE, UNIT, units } from "./text";
import { token, tokenAt } from "./tokens";

let mails: bool = false;

export function lookForMails(yes: bool): void {
  mails = yes;
}

/** What `secretEnd` recognised: its kind, and where the secret itself begins. */
let kind: u32 = 0;
let essence: usize = 0;

/** Looks for what starts at `p` by the code of its first two characters. Returns where to go on. */
export function detect(code: u32, p: usize, inString: bool): usize {
  switch (code) {
    case starts.SEPARATOR:
      return afterSeparator(p, inString);
    case starts.NUMBER: {
      const end = cardEnd(p, redacted);
      return end === 0 ? p + UNIT : redact(p, p, end, kinds.CARD);
    }
    case starts.MAIL:
      return mails ? afterAt(p) : p + UNIT;
    case starts.PLACEHOLDER: {
      const end = placeholderEnd(p);
      if (end === 0) return p + UNIT;
      notePlaceholder(p);
      return end;
    }
    case starts.AZURE:
      return afterAzure(p);
    default: {
      const end = secretEnd(code, p);
      if (end === 0) return p + UNIT;
      redact(essence, essence, end, kind);
      return kind === kinds.AWS_ACCESS_KEY ? afterAccessKey(end) : end;
    }
  }
}

/** Behind the secret that is recognised by how it starts, or 0. */
function secretEnd(code: u32, p: usize): usize {
  essence = p;
  if (code === starts.PEM || code === starts.ENCODED_PEM) {
    kind = kinds.PRIVATE_KEY;
    return blockEnd(p);
  }
  if (code === starts.JWT) {
    kind = kinds.JWT;
    return jwtEnd(p);
  }
  const end = tokenAt(p, redacted);
  if (end !== 0) {
    kind = token.kind;
    essence = p + ((<usize>token.keeps) << 1);
  }
  return end;
}

function afterSeparator(p: usize, inString: bool): usize {
  if (assigned(p, inString)) {
    const from = valueStart;
    const end = secretEnd(starts.startAt(from), from);
    if (end >= valueEnd) return redact(from, essence, end, kind);
    return redact(from, from, valueEnd, valueKind);
  }
  if (inString && at(p) === COLON && isUserColon(p)) {
    const end = userinfoEnd(p + UNIT);
    if (end !== 0 && !isReference(p + UNIT, end)) return redact(p + UNIT, p + UNIT, end, kinds.URL_PASSWORD);
  }
  return p + UNIT;
}

function afterAt(p: usize): usize {
  const end = hostEnd(p + UNIT);
  if (end === 0) return p + UNIT;
  const from = localStart(p, max(redacted, escaped));
  return from === p ? p + UNIT : redact(from, from, end, kinds.EMAIL);
}

/** Azure client secrets: three characters, a digit, `Q~`, and more. */
function afterAzure(p: usize): usize {
  const from = p - 4 * UNIT;
  const end = runOf(BEARER, p);
  if (units(p, end) < 33 || from < max(redacted, escaped) || !is(at(p - UNIT), DIGIT)) return p + UNIT;
  if (runAtMost(BEARER, from, 4) !== p) return p + UNIT;
  return redact(from, from, end, kinds.AZURE_CLIENT_SECRET);
}

/** A secret access key often follows its id: 40 characters after a comma, a colon, a bar or a space. */
function afterAccessKey(p: usize): usize {
  let from = p;
  while (from < p + 3 * UNIT && (at(from) === COMMA || at(from) === COLON || at(from) === PIPE || at(from) === SPACE))
    from += UNIT;
  const end = runAtMost(ALNUM_SLASH, from, 41);
  return from > p && units(from, end) === 40 ? redact(from, from, end, kinds.AWS_SECRET_KEY) : p;
}
