import { placeholderEnd } from "./placeholder";
import { ALNUM_DASH, AT, at, COLON, DOT, is, isUserinfo, LETTER, LOCAL, SLASH, UNIT } from "./text";

/** Where the part of an e-mail address left of its `@` starts; the same position if there is none. Not before `least`. */
export function localStart(p: usize, least: usize): usize {
  let q = p;
  const limit = p - 64 * UNIT;
  while (q > least && q > limit && is(at(q - UNIT), LOCAL)) q -= UNIT;
  return q;
}

/** Behind the host name that starts here and ends with a top-level domain, or 0. */
export function hostEnd(p: usize): usize {
  const limit = p + 255 * UNIT;
  let end: usize = 0;
  let q = p;
  while (q < limit && is(at(q), ALNUM_DASH)) {
    const start = q;
    while (q < limit && is(at(q), ALNUM_DASH)) q += UNIT;
    if (start > p) {
      let letters = start;
      while (letters < q && is(at(letters), LETTER)) letters += UNIT;
      if (letters - start >= 2 * UNIT) end = letters;
    }
    if (at(q) !== DOT) break;
    q += UNIT;
  }
  return end;
}

/** Whether this colon stands between the user name and the password of a URL: `scheme://user:password@host`. */
export function isUserColon(p: usize): bool {
  const limit = p - 66 * UNIT;
  let q = p - UNIT;
  while (q > limit && at(q) !== COLON && isUserinfo(at(q)) && at(q) !== AT) q -= UNIT;
  return at(q) === SLASH && at(q - UNIT) === SLASH && at(q - 2 * UNIT) === COLON;
}

/** The `@` behind the password of a URL that starts here, or 0. */
export function userinfoEnd(p: usize): usize {
  const limit = p + 256 * UNIT;
  let end: usize = 0;
  for (let q = p; q < limit && isUserinfo(at(q)); q += UNIT) if (at(q) === AT) end = q;
  return end === p || placeholderEnd(p) === end ? 0 : end;
}
