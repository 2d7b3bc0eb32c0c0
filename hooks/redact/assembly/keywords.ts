import { redacted } from "./findings";
import * as kinds from "./kinds";
import { at, BACKSLASH, DASH, DOT, is, LETTER, NAME, UNDERSCORE, UNIT, UPPER } from "./text";

/** Names that stand for secrets, in lower case and without `_`, `-` and `.`; a name may have more before them. */
@unmanaged
class Keyword {
  kind: u32;
  word: usize;
  /** Not within a longer word: `pass` in `DB_PASS` and `dbPass`, not in `bypass`. */
  whole: bool;
  /** The next one that ends with the same letter. */
  next: Keyword | null;
}

/** The first keyword for each last letter. */
const ENDINGS: usize = memory.data(32 * 4);

function add(kind: u32, word: string, whole: bool = false): void {
  const keyword = new Keyword();
  keyword.kind = kind;
  keyword.word = changetype<usize>(word);
  keyword.whole = whole;
  const ending = endingOf(word.charCodeAt(word.length - 1));
  keyword.next = changetype<Keyword | null>(load<usize>(ending));
  store<usize>(ending, changetype<usize>(keyword));
}

/** Where the keywords are that end with a letter, of either case. */
function endingOf(letter: u32): usize {
  return ENDINGS + ((letter & 31) << 2);
}

// Of those that fit, the last one decides.
add(kinds.SECRET, "connectionstring");
add(kinds.SECRET, "credentials");
add(kinds.SECRET, "credential");
add(kinds.SECRET, "token");
add(kinds.SECRET, "apikey");
add(kinds.SECRET, "accesskey");
add(kinds.SECRET, "secretkey");
add(kinds.SECRET, "privatekey");
add(kinds.SECRET, "encryptionkey");
add(kinds.SECRET, "signingkey");
add(kinds.SECRET, "masterkey");
add(kinds.SECRET, "authkey");
add(kinds.SECRET, "secret");
add(kinds.PASSWORD, "pass", true);
add(kinds.PASSWORD, "pwd");
add(kinds.PASSWORD, "passcode");
add(kinds.PASSWORD, "passphrase");
add(kinds.PASSWORD, "passwd");
add(kinds.PASSWORD, "password");
add(kinds.AUTHORIZATION, "authorization");
add(kinds.AZURE_STORAGE_KEY, "accountkey");
add(kinds.AWS_SECRET_KEY, "awssecretkey");
add(kinds.AWS_SECRET_KEY, "secretaccesskey");

/** The kind of secret that the name which ends here stands for, or `NONE`. */
export function kindOfName(end: usize): u32 {
  const last = at(end - UNIT);
  if (!is(last, LETTER)) return kinds.NONE;
  let keyword = changetype<Keyword | null>(load<usize>(endingOf(last)));
  while (keyword !== null) {
    if (endsWith(end, keyword)) return keyword.kind;
    keyword = keyword.next;
  }
  return kinds.NONE;
}

function endsWith(end: usize, keyword: Keyword): bool {
  const word = changetype<string>(keyword.word);
  let p = end;
  for (let i = word.length - 1; i >= 0; i -= 1) {
    do p -= UNIT;
    while (at(p) === UNDERSCORE || at(p) === DASH || at(p) === DOT);
    // What was redacted is no part of a name.
    if (p < redacted) return false;
    const c = at(p);
    if ((is(c, UPPER) ? c | 0x20 : c) !== <u32>word.charCodeAt(i)) return false;
  }
  if (!keyword.whole || p === redacted) return true;
  const before = at(p - UNIT);
  return !is(before, LETTER) || at(p - 2 * UNIT) === BACKSLASH || (is(at(p), UPPER) && !is(before, UPPER));
}

/** Where the name that ends here starts, at most 64 characters before; not within an escape. */
export function nameStart(end: usize): usize {
  const limit = max(end - 64 * UNIT, redacted);
  let p = end;
  while (p > limit && is(at(p - UNIT), NAME)) p -= UNIT;
  return at(p - UNIT) === BACKSLASH && p < end ? p + UNIT : p;
}

/** Whether a name is written in capitals, as environment variables are. */
export function inCapitals(from: usize, to: usize): bool {
  for (let p = from; p < to; p += UNIT) if (is(at(p), LETTER) && !is(at(p), UPPER)) return false;
  return from < to;
}
