import { describe, expect, it } from "vitest";
import { load, messages, PERSON, places, timed } from "./reading.ts";

describe("what YAML may say", () => {
  it("reads a document, fills in defaults and keeps what was written", () => {
    const { value, raw } = load('name: ann\nversion: "1.10"\n', PERSON);
    expect(value).toEqual({ name: "ann", version: "1.10", steps: 7 });
    expect(raw).toEqual({ name: "ann", version: "1.10" });
    expect(Object.isFrozen(value)).toBe(true);
  });

  it("writes aliases out", () => {
    expect(load("a: &x [1, { b: c }]\nd: *x\n").value).toEqual({ a: [1, { b: "c" }], d: [1, { b: "c" }] });
  });

  it("B1 nested aliases: nine levels of nine are refused at once", () => {
    const levels = Array.from({ length: 9 }, (_, i) => `a${i + 1}: &a${i + 1} [${Array(9).fill(`*a${i}`).join(", ")}]`);
    const { result, ms } = timed(() => messages(`a0: &a0 lol\n${levels.join("\n")}\n`));
    expect(result).toEqual(["the file has more than 50000 values when its aliases are written out"]);
    expect(ms).toBeLessThan(500);
  });

  it("B1 many aliases: more than a hundred are refused before anything is built", () => {
    expect(messages(`a: &a 1\nb: [${Array(101).fill("*a").join(", ")}]`)).toEqual([
      "the file has more than 100 aliases; write the values out",
    ]);
    expect(messages(`a: &a 1\nb: [${Array(100).fill("*a").join(", ")}]`)).toEqual([]);
  });

  it("B1 an alias that makes a document deeper than its text is refused", () => {
    const inner = (name: string, inside: string) => `${name}: &${name} ${"[".repeat(30)}${inside}${"]".repeat(30)}`;
    expect(messages(`${inner("a", "1")}\n${inner("b", "*a")}\n${inner("c", "*b")}\n`).join()).toContain(
      "nests deeper than 64 levels",
    );
  });

  const deep = 20_000;
  it.each([
    ["flow lists", "[".repeat(deep)],
    ["closed flow lists", "[".repeat(deep) + "]".repeat(deep)],
    ["flow mappings", "{a: ".repeat(deep)],
    ["block lists", `${"- ".repeat(deep)}x`],
    ["explicit keys", `${"? ".repeat(deep)}x`],
    ["explicit keys in flow", "[? ".repeat(deep)],
    ["empty keys", ": ".repeat(deep)],
    ["block mappings", Array.from({ length: 1400 }, (_, i) => `${" ".repeat(i)}a:`).join("\n")],
    ["all kinds by turns", "- [? {a: ".repeat(deep / 4)],
  ])("B2 20,000 levels of nested %s are refused within 500 ms", (_kind, text) => {
    const { result, ms } = timed(() => messages(text));
    expect(result).toEqual(["the file nests deeper than 64 levels"]);
    expect(ms).toBeLessThan(500);
  });

  it("B2 64 levels are read, 65 are not", () => {
    const nested = (levels: number) => `a: ${"[".repeat(levels - 1)}${"]".repeat(levels - 1)}`;
    expect(messages(nested(64))).toEqual([]);
    expect(messages(nested(66))).toEqual(["the file nests deeper than 64 levels"]);
  });

  it.each([
    ["list items", "- a\n".repeat(250_000)],
    ["flow items", `[${"a,".repeat(500_000)}]`],
    ["comments", "#\n".repeat(500_000)],
    ["documents", "---\n".repeat(250_000)],
    ["block scalars", "- |\n\n".repeat(200_000)],
    ["tags", "!a ".repeat(300_000)],
    ["anchors", "&a ".repeat(300_000)],
    ["fields", Array.from({ length: 80_000 }, (_, i) => `k${i}: 1`).join("\n")],
    ["one quoted text", `a: "${"\n".repeat(1_000_000)}"`],
    ["one plain text", `a: ${"b ".repeat(500_000)}`],
    ["one folded text", `a: >\n${" b\n".repeat(300_000)}`],
    ["spaces", " ".repeat(1_000_000)],
    ["an endless number", `a: ${"9".repeat(1_000_000)}`],
    ["an endless name", `${"a".repeat(1_000_000)}: 1`],
  ])("B2 a megabyte of %s is answered within two seconds", (_kind, text) => {
    const { ms } = timed(() => messages(text));
    expect(ms).toBeLessThan(2000);
  });

  it.each(["a: &a [*a]", "a: &a { b: *a }", "a: &a { b: [{ c: *a }] }"])(
    "B3 an anchor that contains itself: %s",
    (text) => {
      expect(messages(text).join()).toMatch(/the anchor `&a` contains itself/);
    },
  );

  it("B4 a duplicate key is refused at its second place, also when quoted", () => {
    expect(messages("a: 1\nb:\n  c: 1\n  'c': 2\n")).toEqual(['b: the field "c" is given twice']);
    expect(places("a: 1\nb:\n  c: 1\n  'c': 2\n")).toEqual(["4:3"]);
    expect(messages("{ a: 1, a: 2 }")).toEqual(['the field "a" is given twice']);
  });

  it("B4 a duplicate key after Unicode normalisation", () => {
    expect(messages("caf\u00e9: 1\ncafe\u0301: 2\n")).toEqual([
      'the field "cafe\u0301" is given twice, spelled with different code points',
    ]);
  });

  it.each([
    "__proto__",
    "constructor",
    "prototype",
    "valueOf",
    "toString",
    "hasOwnProperty",
    '"__proto__"',
    '"\\u005f_proto__"',
  ])("B5 the key %s", (key) => {
    expect(messages(`a:\n  ${key}: { polluted: true }\n`).join()).toMatch(/^a: the name `\w+` is not allowed$/);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  it("B6 a merge key that smuggles a field in", () => {
    expect(messages("base: &base { trust: trusted }\nhook:\n  <<: *base\n")).toEqual([
      "hook: merge keys (`<<`) are not allowed; write the fields out",
    ]);
    expect(messages('hook: { "<<": { trust: trusted } }')).toHaveLength(1);
  });

  it.each(["!!js/function 'x'", "!secret x", "!!binary aGk=", "!!set {a}", "!<tag:x> y", "! a", "!!str 1"])(
    "B7 the tag %s",
    (value) => {
      expect(messages(`a: ${value}\n`)).toEqual([
        expect.stringMatching(/^tags such as `!.*` are not allowed; write plain values$/),
      ]);
    },
  );

  it.each(["a: 1\n---\nb: 2\n", "a: 1\n...\nb: 2\n", "---\na: 1\n---\n"])(
    "B8 a second document in the file: %j",
    (text) => {
      expect(messages(text).join()).toContain("a second document begins here");
    },
  );

  it.each(["%YAML 1.1\n---\na: yes\n", "%TAG ! tag:x,2026:\n---\na: 1\n"])("B8 a directive: %j", (text) => {
    expect(messages(text).join()).toMatch(/directives such as `%.*` are not allowed/);
  });

  it("B9 a version that YAML reads as a number: the message says what to write", () => {
    expect(messages("name: a\nversion: 1.10\n", PERSON)).toEqual([
      'version: expected text, found the number 1.10; quote it: "1.10"',
    ]);
    expect(messages("name: a\nversion: 2\n", PERSON)).toEqual([
      'version: expected text, found the number 2; quote it: "2"',
    ]);
    expect(messages("name: a\nversion: true\n", PERSON)).toEqual([
      'version: expected text, found the boolean true; quote it: "true"',
    ]);
    expect(messages("name: a\nversion:\n", PERSON)).toEqual(["version: expected text, found nothing"]);
  });

  it.each(["0x1F", "0o17", "017", "+1", "1_000", ".5", "5.", ".nan", ".inf", "-.inf", "-.INF"])(
    "B9 the number %s",
    (number) => {
      expect(messages(`a: ${number}\n`)).toEqual([
        `a: \`${number}\` is not a plain decimal number; write it in decimal, or quote it if it is text`,
      ]);
      expect(load(`a: "${number}"\n`).value).toEqual({ a: number });
    },
  );

  it("B9 decimal numbers and exponents mean what JSON says", () => {
    expect(load("a: [1e3, -0, 0.5, -12, 1.5E-2]\nb: 1:30\nc: 2026-01-01\nd: yes\ne: 1.2.3\n").value).toEqual({
      a: [1000, 0, 0.5, -12, 0.015],
      b: "1:30",
      c: "2026-01-01",
      d: "yes",
      e: "1.2.3",
    });
  });

  it.each(["9007199254740992", "-9007199254740993", "1e21", "1e400", "123456789012345678901234567890"])(
    "B10 %s is not rounded silently",
    (n) => {
      expect(messages(`a: ${n}\n`)).toEqual([
        `a: the number \`${n}\` is beyond 2^53 and would be rounded; quote it if it is text`,
      ]);
    },
  );

  it("B10 the largest safe integer is read", () => {
    expect(load("a: 9007199254740991\n").value).toEqual({ a: 9007199254740991 });
  });

  it.each([
    ["NUL", "a: b\0c\n", "U+0000"],
    ["a byte order mark", "\ufeffa: 1\n", "U+FEFF"],
    ["a right-to-left override", "a: b\u202ec\n", "U+202E"],
    ["an isolate in a comment", "a: 1 # \u2066 x\n", "U+2066"],
    ["an escape sequence", "a: '\u001b[2J'\n", "U+001B"],
    ["DEL", "a: \u007f\n", "U+007F"],
  ])("B11 %s in the text is refused where it stands", (_what, text, code) => {
    expect(messages(text).join()).toContain(`the invisible character ${code} is not allowed`);
    expect(places(text)).toContain(`1:${text.search(/[^\x20-\x7e\n]/) + 1}`);
  });

  it.each(["\\u202e", "\\u200b", "\\u0000", "\\ud800", "\\e", "\\u00ad", "\\ufeff", "\\L"])(
    "B11 a name with the escape %s",
    (written) => {
      expect(messages(`"a${written}b": 1\n`).join()).toMatch(/holds the invisible character U\+[0-9A-F]{4}/);
    },
  );

  it("B11 half a surrogate pair or NUL in a value, however it is written", () => {
    expect(messages('a: "\\ud800"\n')).toEqual(["a: the text holds half of a surrogate pair, which is no character"]);
    expect(messages('a: "x\\0y"\n')).toEqual(["a: the text holds the character NUL (U+0000)"]);
    expect(load('a: "\\ud83d\\ude00"\n').value).toEqual({ a: "😀" });
  });

  it("B11 bytes that are not UTF-8 are refused with their place", () => {
    const bytes = Uint8Array.from([...Buffer.from("a: 1\nb: ä"), 0xc3, 0x28, 0x0a]);
    expect(messages(bytes)).toEqual(["the file is not valid UTF-8; save it as UTF-8"]);
    expect(places(bytes)).toEqual(["2:5"]);
    expect(messages(Uint8Array.from([0xed, 0xa0, 0x80]))).toHaveLength(1);
  });

  it("B12 a file over 1 MiB is refused without being read as YAML", () => {
    const bytes = new Uint8Array(100 * 1024 * 1024).fill(0x5b);
    const { result, ms } = timed(() => messages(bytes));
    expect(result).toEqual(["the file has 104857600 bytes, the limit is 1048576"]);
    expect(ms).toBeLessThan(50);
  });

  it("refuses names that are not text", () => {
    expect(messages("1: a\n~: b\ntrue: c\n[a]: d\n*x : e\n")).toHaveLength(5);
    expect(messages("1: a\n")).toEqual(["a name must be text, found 1; quote it if it is meant"]);
  });

  it("refuses what is not a mapping, and nothing at all", () => {
    expect(messages("")).toEqual(["expected a mapping, found nothing"]);
    expect(messages("- a\n")).toEqual(["expected a mapping, found a list"]);
    expect(messages("hello\n")).toEqual(['expected a mapping, found "hello"']);
    expect(messages("hello\n", {})).toEqual(["expected a mapping"]);
  });
});
