import {
  at,
  BACKSLASH,
  BASE64,
  backslashes,
  DASH,
  DOT,
  escapeEnd,
  follows,
  LABEL,
  QUOTE,
  runAtMost,
  runOf,
  UNIT,
  URL64,
  units,
} from "./text";

/**
 * Behind the private key in PEM (RFC 7468) whose `-----BEGIN ` starts here, or 0. A key that does not end goes to the end of
 * the string. Line breaks may be escaped at any depth.
 */
export function pemEnd(p: usize): usize {
  if (!follows(p, "-----BEGIN ")) return 0;
  const label = p + 11 * UNIT;
  const behind = runAtMost(LABEL, label, 48);
  if (!follows(behind, "-----")) return 0;
  if (!endsWith(label, behind, "PRIVATE KEY") && !endsWith(label, behind, "PRIVATE KEY BLOCK")) return 0;
  let q = behind + 5 * UNIT;
  while (true) {
    const c = at(q);
    if (c === QUOTE) return q;
    if (c === BACKSLASH) {
      q = escapeEnd(q);
      continue;
    }
    if (c === DASH && follows(q, "-----END ")) {
      const end = runAtMost(LABEL, q + 9 * UNIT, 48);
      if (follows(end, "-----")) return end + 5 * UNIT;
    }
    q += UNIT;
  }
}

function endsWith(from: usize, to: usize, literal: string): bool {
  const start = to - ((<usize>literal.length) << 1);
  return start >= from && follows(start, literal);
}

/** What `-----BEGIN … PRIVATE KEY` looks like in base64, without the characters that depend on what follows. */
const ENCODED: StaticArray<string> = [
  "LS0tLS1CRUdJTiBQUklWQVRFIEtFW",
  "LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRV",
  "LS0tLS1CRUdJTiBFQyBQUklWQVRFIEtFW",
  "LS0tLS1CRUdJTiBFTkNSWVBURUQgUFJJVkFURSBLRV",
  "LS0tLS1CRUdJTiBPUEVOU1NIIFBSSVZBVEUgS0VZ",
];

/** Behind the private key in base64 of its PEM, in one line or wrapped, that starts here; or 0. */
export function encodedPemEnd(p: usize): usize {
  let i = 0;
  while (i < ENCODED.length && !follows(p, ENCODED[i])) i += 1;
  if (i === ENCODED.length) return 0;
  let end = runOf(BASE64, p);
  while (true) {
    const line = lineBreakEnd(end);
    const next = runOf(BASE64, line);
    if (line === end || next === line) return end;
    end = next;
    // The last line is shorter.
    if (units(line, next) < 60) return end;
  }
}

/** Behind a secret of several lines that starts here, or 0. */
export function blockEnd(p: usize): usize {
  const c = at(p);
  return c === DASH ? pemEnd(p) : c === 0x4c ? encodedPemEnd(p) : 0;
}

/** Behind the escaped line break that starts here, or the same position. */
export function lineBreakEnd(p: usize): usize {
  let end = p;
  while (true) {
    const letter = backslashes(end);
    if (letter === end || (at(letter) !== 0x6e && at(letter) !== 0x72)) return end;
    end = letter + UNIT;
  }
}

/** Where no further JWT can start, since the run of characters that ends here was tried: keeps `eyJeyJeyJ…` linear. */
let tried: usize = 0;

export function beginJwt(): void {
  tried = 0;
}

/** Behind the JWT (RFC 7519, compact form of a JWS or JWE) whose `eyJ` starts here, or 0. */
export function jwtEnd(p: usize): usize {
  if (p < tried || at(p + 2 * UNIT) !== 0x4a) return 0;
  const header = runOf(URL64, p);
  tried = header;
  if (units(p, header) < 10 || at(header) !== DOT) return 0;
  const payload = runOf(URL64, header + UNIT);
  if (at(payload) !== DOT) return 0;
  let end = runOf(URL64, payload + UNIT);
  if (units(header, end) < 12) return 0;
  for (let further = 0; further < 2; further += 1) {
    const next = at(end) === DOT ? runOf(URL64, end + UNIT) : end;
    if (next <= end + UNIT) break;
    end = next;
  }
  return end;
}
