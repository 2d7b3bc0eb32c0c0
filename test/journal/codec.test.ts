import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeEntry, encodeHeader, FORMAT, MAX_LINE, parseHeader, parseLine } from "../../src/journal/codec.ts";
import { DamagedError } from "../../src/journal/damage.ts";
import { canonicalJson, type Digest, digestOf } from "../../src/model/canonical.ts";
import { CHECK_KINDS } from "../../src/model/entry.ts";
import { InputError } from "../../src/model/errors.ts";
import type { JsonObject } from "../../src/model/json.ts";
import { runs, seed } from "../support/property.ts";

const place = { file: "journal.jsonl", line: 3, offset: 77, seq: 1 };
const prev = digestOf("before");
const parse = (text: string | Uint8Array) => parseLine(Buffer.from(text), place);
const check = (body: JsonObject) => encodeEntry({ seq: 1, kind: "check.state", prev }, canonicalJson(body));
const sealed = { ref: {}, commit: `hmac-sha256:${"0".repeat(64)}`, sealed: "" };
const input = (times: JsonObject) => canonicalJson({ seq: 1, kind: "input.tool", prev, ...times, body: sealed });
const json = fc.dictionary(
  fc.string({ unit: "binary" }),
  fc.jsonValue({ stringUnit: "binary" }),
) as fc.Arbitrary<JsonObject>;

const isJson = (text: string) => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

describe("the codec", () => {
  it("reads back every entry that it writes, in canonical form", () => {
    const kind = fc.constantFrom(...CHECK_KINDS);
    fc.assert(
      fc.property(fc.maxSafeNat(), kind, json, (seq, kind, body) => {
        const line = encodeEntry({ seq, kind, prev }, canonicalJson(body));
        expect(line).toBe(canonicalJson({ seq, kind, prev, body }));
        const entry = { seq, kind, prev, body: JSON.parse(canonicalJson(body)) };
        expect(parse(line)).toEqual({ text: line, line: { type: "entry", entry } });
      }),
      { seed, numRuns: runs(200, 20_000) },
    );
  });

  it("refuses every other way to write the same value", () => {
    fc.assert(
      fc.property(json, fc.nat(), (body, n) => {
        const line = check(body);
        const other = `${line.slice(0, n % line.length)} ${line.slice(n % line.length)}`;
        const isSame = (text: string) => isJson(text) && isDeepStrictEqual(JSON.parse(text), JSON.parse(line));
        fc.pre(isSame(other)); // between tokens, not within a string
        expect(() => parse(other)).toThrow("canonical JSON (RFC 8785)");
      }),
      { seed, numRuns: runs(100, 5_000) },
    );
  });

  it.each([
    ["a carriage return", `${check({})}\r`],
    ["a doubled key", check({}).replace('"seq":1', '"seq":1,"seq":1')],
    ["keys out of order", check({ a: 1, b: 2 }).replace('"a":1,"b":2', '"b":2,"a":1')],
    ["integer-like keys in numeric order", check({ "9": 1, "10": 2 }).replace('"10":2,"9":1', '"9":1,"10":2')],
    ["a number in another form", check({ a: 1 }).replace('"a":1', '"a":1.0')],
    ["a needless escape", check({ a: "x" }).replace('"x"', '"\\u0078"')],
    ["half of a surrogate pair", check({ a: "x" }).replace('"x"', '"\\ud800"')],
    ["an unknown member", check({}).replace('"prev"', '"note":1,"prev"')],
    ["a missing member", check({}).replace(',"seq":1', "")],
    ["an unknown kind", check({}).replace("check.state", "check.other")],
    ["a time on a check", `{"at":1,${check({}).slice(1)}`],
    ["an input without a time", check({}).replace("check.state", "input.tool")],
    ["an input without the time that the run was worked on", input({ at: 1 })],
    ["a time worked on that is no whole number of ms", input({ at: 1, ran: 1.5 })],
    ["a time worked on, on a check", check({}).replace('"seq"', '"ran":1,"seq"')],
    ["a body that is no object", check({}).replace('"body":{}', '"body":[]')],
    ["a negative seq", check({}).replace('"seq":1', '"seq":-1')],
    ["an upper-case digest", check({}).replace(prev, prev.toUpperCase())],
    ["a byte order mark", `\ufeff${check({})}`],
    ["an empty line", ""],
    ["null", "null"],
    ["nothing but an end", '{"end":false}'],
    ["an end marker with another member", canonicalJson({ end: true, count: 1, head: prev, blobs: 0, note: 1 })],
    ["an end marker with a count that is none", canonicalJson({ end: true, count: 1.5, head: prev, blobs: 0 })],
    ["a blob with another member", canonicalJson({ blob: prev, data: "", note: 1 })],
  ])("refuses %s", (_, line) => {
    expect(() => parse(line)).toThrow(DamagedError);
  });

  it("refuses an input whose sealed body has both or neither of `sealed` and `blob`", () => {
    const body = { ref: {}, commit: `hmac-sha256:${"0".repeat(64)}` };
    const line = (rest: JsonObject) =>
      canonicalJson({ seq: 1, kind: "input.tool", prev, at: 1, ran: 1, body: { ...body, ...rest } });
    expect(parse(line({ sealed: "" })).line.type).toBe("entry");
    expect(parse(line({ blob: prev })).line.type).toBe("entry");
    for (const rest of [{}, { sealed: "", blob: prev }, { sealed: 1 }, { blob: "sha256:x" }, { sealed: "", note: 1 }]) {
      expect(() => parse(line(rest))).toThrow(DamagedError);
    }
  });

  it("L10 keeps newlines inside values escaped, and refuses invalid UTF-8", () => {
    const line = check({ text: "one\ntwo\r\n\u2028" });
    expect(line).not.toMatch(/[\r\n]/);
    expect(parse(line).line).toMatchObject({ entry: { body: { text: "one\ntwo\r\n\u2028" } } });
    const bytes = Buffer.from(check({ text: "é" }));
    bytes[bytes.indexOf(0xc3)] = 0xff;
    expect(() => parse(bytes)).toThrow(DamagedError);
  });

  it("says where a damaged line is, what was expected and what was found", () => {
    expect(() => parse("{}")).toThrow(
      "`journal.jsonl` is damaged at line 3, byte 77, seq 1: expected an entry, a blob or an end marker, found `{}`",
    );
  });

  it("L11 refuses to write an entry of more than 32 MiB", () => {
    expect(() => check({ text: "x".repeat(MAX_LINE) })).toThrow(InputError);
    expect(() => check({ text: "é".repeat(MAX_LINE / 2) })).toThrow(InputError);
  });

  it("L12 gives different entries different lines: the digest covers seq, kind and prev", () => {
    const body = canonicalJson({ a: 1 });
    const lines = [
      encodeEntry({ seq: 1, kind: "check.state", prev }, body),
      encodeEntry({ seq: 2, kind: "check.state", prev }, body),
      encodeEntry({ seq: 1, kind: "check.limit", prev }, body),
      encodeEntry({ seq: 1, kind: "check.state", prev: digestOf("other") as Digest }, body),
      encodeEntry({ seq: 1, kind: "check.state", prev }, canonicalJson({ a: "1" })),
    ];
    expect(new Set(lines.map((line) => digestOf(line))).size).toBe(lines.length);
  });

  it("reads back what is nested as deeply as canonical JSON may be, whatever its keys", () => {
    let body: JsonObject = { "9": 1, "10": 2 };
    for (let level = 1; level < 1000; level++) body = { a: body };
    expect(parse(check(body)).text).toBe(check(body));
    expect(() => check({ a: body })).toThrow(InputError);
    const deep = check({ a: 1 }).replace('"a":1', `"a":${"[".repeat(200_000)}${"]".repeat(200_000)}`);
    expect(() => parse(deep)).toThrow(DamagedError);
  });
});

describe("the header", () => {
  const header = { format: FORMAT, kernel: "1", run: "r1" } as const;
  const read = (text: string) => parseHeader(Buffer.from(text), { file: "f", line: 1, offset: 0 });

  it("is read back with the caller's members", () => {
    expect(read(encodeHeader({ ...header, pins: [] }))).toEqual({ ...header, pins: [] });
  });

  it("needs a run id that can name a file", () => {
    for (const run of ["", "../x", "a/b", ".hidden", "a\n", "x".repeat(129)]) {
      expect(() => encodeHeader({ ...header, run })).toThrow(InputError);
    }
  });

  it("tells what is no journal from a journal of another version and from a damaged one", () => {
    const code = (text: string) => expect.objectContaining({ code: text });
    expect(() => read("hello")).toThrow(code("not-a-recording"));
    expect(() => read("")).toThrow(code("not-a-recording"));
    expect(() => read("{}")).toThrow(code("not-a-recording"));
    expect(() => read('{"format":"pinion-journal/3"}')).toThrow(code("unsupported-format"));
    expect(() => read(`{"format":"${FORMAT}"}`)).toThrow(code("damaged"));
    expect(() => read(encodeHeader(header).replace(",", ", "))).toThrow(code("damaged"));
  });
});
