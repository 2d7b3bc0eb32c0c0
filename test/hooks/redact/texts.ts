import fc from "fast-check";
import type { Json } from "../../../src/model/json.ts";

const UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const LOWER = "abcdefghijklmnopqrstuvwxyz";
const DIGITS = "0123456789";
const ALNUM = UPPER + LOWER + DIGITS;
const HEX = "0123456789abcdef";

function of(alphabet: string, least: number, most = least): fc.Arbitrary<string> {
  return fc.string({ unit: fc.constantFrom(...alphabet), minLength: least, maxLength: most });
}

/** Texts that begin as tokens do; mostly long enough. */
const tokens: fc.Arbitrary<string> = fc.oneof(
  ...(
    [
      [["AKIA", "ASIA", "ABIA", "ACCA"], UPPER + DIGITS, 16],
      [["AIza"], `${ALNUM}_-`, 35],
      [["ya29.", "GOCSPX-"], `${ALNUM}_-`, 20],
      [["sig="], `${ALNUM}%+/=`, 40],
      [["ghp_", "gho_", "ghu_", "ghs_", "ghr_"], ALNUM, 36],
      [["github_pat_"], `${ALNUM}_`, 22],
      [["glpat-", "gldt-", "glrt-", "glptt-", "glcbt-"], `${ALNUM}_-`, 20],
      [["xoxb-", "xoxp-", "xoxa-", "xoxr-", "xoxs-", "xoxe-", "xapp-"], `${ALNUM}-`, 10],
      [["hooks.slack.com/services/"], `${ALNUM}/`, 20],
      [["sk_live_", "sk_test_", "rk_live_", "rk_test_"], ALNUM, 16],
      [["whsec_"], ALNUM, 24],
      [["sk-", "sk-ant-"], `${ALNUM}_-`, 20],
      [["sk-"], `${LOWER}-`, 20],
      [["npm_"], ALNUM, 36],
      [["pypi-"], `${ALNUM}_-`, 50],
      [["hf_"], ALNUM, 30],
      [["SG."], `${ALNUM}_.-`, 60],
      [["SK", "dapi"], HEX, 32],
      [["dop_v1_"], HEX, 60],
      [["shpat_", "shpss_"], ALNUM, 32],
      [["hvs."], `${ALNUM}_-`, 24],
      [["AGE-SECRET-KEY-1"], UPPER + DIGITS, 50],
      [["Bearer ", "bearer "], `${ALNUM}._~+/=-`, 8],
      [["Bearer "], `${LOWER}._~+/=-`, 22],
    ] as const
  ).map(([starts, alphabet, least]) =>
    fc.tuple(fc.constantFrom(...starts), of(alphabet, least - 1, least + 4)).map((parts) => parts.join("")),
  ),
);

const base64url = of(`${ALNUM}_-`, 0, 20);
const jwts = fc.array(base64url, { minLength: 2, maxLength: 6 }).map((parts) => `eyJ${parts.join(".")}`);

const pems = fc
  .record({
    begin: fc.constantFrom(
      "-----BEGIN RSA PRIVATE KEY-----",
      "-----BEGIN PRIVATE KEY-----",
      "-----BEGIN CERTIFICATE-----",
      "-----BEGIN PGP PRIVATE KEY BLOCK-----",
    ),
    lines: fc.array(of(`${ALNUM}+/`, 1, 40), { maxLength: 3 }),
    end: fc.constantFrom("-----END RSA PRIVATE KEY-----", "-----END PRIVATE KEY-----", "-----END", ""),
  })
  .chain(({ begin, lines, end }) => {
    const pem = [begin, ...lines, end].join("\n");
    const encoded = Buffer.from(pem).toString("base64");
    return fc.constantFrom(pem, pem, encoded, encoded.replace(/.{64}/g, "$&\n"));
  });

const cards = fc
  .record({
    first: fc.constantFrom("4", "51", "2221", "2720", "34", "37", "3528", "36", "305", "6011", "50", "9", "1"),
    rest: of(DIGITS, 18),
    length: fc.integer({ min: 12, max: 20 }),
    groups: fc.constantFrom([4, 4, 4, 4, 4], [20], [4, 6, 5], [3, 3, 3, 3, 3, 3], [5, 5, 5, 5], [2, 9, 9]),
    separator: fc.constantFrom(" ", "-", "  "),
    right: fc.boolean(),
  })
  .map(({ first, rest, length, groups, separator, right }) => {
    const digits = (first + rest).slice(0, length - 1);
    const number = right ? digits + checkDigit(digits) : `${digits}0`;
    const starts = groups.map((_, i) => groups.slice(0, i).reduce((sum, size) => sum + size, 0));
    return groups
      .map((size, i) => number.slice(starts[i], (starts[i] ?? 0) + size))
      .filter((group) => group !== "")
      .join(separator);
  });

function checkDigit(digits: string): string {
  for (const last of DIGITS) {
    const sum = [...(digits + last)].reverse().reduce((total, digit, i) => {
      const value = i % 2 === 0 ? Number(digit) : Number(digit) * 2;
      return total + Math.floor(value / 10) + (value % 10);
    }, 0);
    if (sum % 10 === 0) return last;
  }
  return "";
}

const names = fc.constantFrom(
  ..."password db_pass DB_PASSWORD bypass dbPass passwd Pwd api_key apiKey X-Api-Key secret AWS_SECRET_ACCESS_KEY AccountKey token authToken tokens Authorization credentials name client.secret".split(
    " ",
  ),
);
const values = fc.oneof(
  of(`${ALNUM}!#$%&*`, 1, 12),
  of(LOWER, 1, 12),
  fc.constantFrom(
    "${NAME}",
    "<your key>",
    "$NAME",
    "process.env.KEY1",
    "{{ key }}",
    "[REDACTED:secret:1]",
    'a"b"c',
    "it's 1",
    "x\\y\\",
    "line\nline2",
    "f0(x)",
    "Basic abc123",
    "[REDACTED:secret:1]x",
  ),
);
const assignments = fc
  .record({
    name: names,
    quote: fc.constantFrom("", "", '"', "'"),
    operator: fc.constantFrom("=", ": ", " = ", ":", " := ", " => ", "==", "]="),
    mark: fc.constantFrom("", "", '"', "'", "`"),
    value: values,
    close: fc.boolean(),
  })
  .map(
    ({ name, quote, operator, mark, value, close }) =>
      quote + name + quote + operator + mark + value + (close ? mark : ""),
  );

const noise = fc.oneof(
  fc.constantFrom(
    " ",
    "\n",
    "\t",
    ",",
    ";",
    ":",
    "=",
    "-",
    "_",
    ".",
    "\\",
    '"',
    "'",
    "/",
    "@",
    "(",
    ")",
    "[",
    "]",
    "\u0001",
    "é",
    "😀",
    "n",
    "AKIA",
    "eyJ",
    "-----",
    "Q~",
    "[REDACTED:jwt:1]",
    "[REDACTED:",
    "sha256:",
    "\u001b[31m",
    "export ",
  ),
  of(ALNUM, 1, 12),
  of(DIGITS, 1, 20),
  of(HEX, 64),
  fc.uuid(),
);

const others = fc.oneof(
  fc
    .tuple(of(`${ALNUM}.-`, 1, 8), of(`${LOWER}.-`, 1, 12), fc.constantFrom(".com", ".c", ".org1", ""))
    .map(([l, h, t]) => `${l}@${h}${t}`),
  fc
    .tuple(fc.constantFrom("https", "postgres"), of(ALNUM, 0, 8), of(`${ALNUM}@:$`, 1, 12))
    .map(([s, u, p]) => `${s}://${u}:${p}@host/x`),
  fc.tuple(of(`${ALNUM}~.`, 3), of(DIGITS, 1), of(`${ALNUM}~._-`, 30, 36)).map(([a, d, b]) => `${a}${d}Q~${b}`),
  fc
    .tuple(of(UPPER + DIGITS, 16), fc.constantFrom(",", " ", ":", "|", ", ", "\n"), of(`${ALNUM}/`, 39, 41))
    .map(([a, s, b]) => `AKIA${a}${s}${b}`),
);

const text: fc.Arbitrary<string> = fc
  .array(
    fc.oneof({ weight: 4, arbitrary: noise }, tokens, jwts, pems, cards, cards, assignments, assignments, others),
    {
      maxLength: 12,
    },
  )
  .map((parts) => parts.join(""));

/** Values as payloads have them: texts with secrets and near misses, JSON in JSON, and names of members that tell. */
export const anyPayload: fc.Arbitrary<Json> = fc.noBias(
  fc.letrec<{ value: Json; text: string }>((tie) => ({
    text: fc.oneof(
      { weight: 5, arbitrary: text },
      fc.tuple(tie("value")).map(([value]) => JSON.stringify(value)),
    ),
    value: fc.oneof(
      { maxDepth: 3, depthSize: "small" },
      { weight: 4, arbitrary: tie("text") },
      fc.constantFrom(null, true, 4111111111111111, 1e21, -0.5),
      fc.array(tie("value"), { maxLength: 4 }),
      fc.dictionary(fc.oneof(names, of(LOWER, 1, 6), text), tie("value"), { maxKeys: 4 }),
    ),
  })).value,
);
