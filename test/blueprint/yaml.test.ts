import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { runs, seed } from "../support/property.ts";
import { faults, load, messages, PERSON, places, timed } from "./reading.ts";

describe("faults", () => {
  it("are reported all at once, with line, column, pointer and what was expected", () => {
    const text = [
      "name: Ann",
      "version: 1.0",
      "steps: many",
      "colour: red",
      "mode: overlay",
      "comms: { a: [] }",
      "",
    ].join("\n");
    expect(faults(text, PERSON)).toEqual([
      {
        file: "file.yaml",
        line: 1,
        column: 7,
        pointer: "/name",
        message: 'name: expected a name of lower-case letters, found "Ann"',
        expected: "a name of lower-case letters",
      },
      {
        file: "file.yaml",
        line: 2,
        column: 10,
        pointer: "/version",
        message: 'version: expected text, found the number 1.0; quote it: "1.0"',
        expected: "text",
      },
      {
        file: "file.yaml",
        line: 3,
        column: 8,
        pointer: "/steps",
        message: 'steps: expected an integer ≥ 1, found "many"',
        expected: "an integer ≥ 1",
      },
      expect.objectContaining({
        line: 4,
        column: 1,
        pointer: "/colour",
        message: expect.stringContaining("unknown field; known here:"),
      }),
      expect.objectContaining({
        line: 5,
        column: 7,
        message: 'mode: "overlay" is not supported yet; expected "direct"',
      }),
      expect.objectContaining({ line: 6, column: 1, message: "comms: not supported yet; remove it" }),
    ]);
  });

  it("name the field that is missing, and the one that was probably meant", () => {
    expect(messages("versoin: '1'\nname: a\n", PERSON)).toEqual([
      "missing field `version`",
      "versoin: unknown field; did you mean `version`?",
    ]);
  });

  it("say why a refused field is refused", () => {
    expect(messages("name: a\nversion: '1'\ntier: trusted\n", PERSON)).toEqual([
      "tier: the tier is never declared here; remove it",
    ]);
  });

  it("count lists, and name the entries that are the same", () => {
    expect(messages("name: a\nversion: '1'\ntags: [a, b, a]\n", PERSON)).toEqual([
      "tags: expected at most 2 entries, found 3",
      "tags: entry 0 is the same as entry 2; each may be there once",
    ]);
  });

  it("of several forms are one fault", () => {
    expect(messages("name: a\nversion: '1'\nshape: 3\n", PERSON)).toEqual([
      "shape: expected text or a mapping, found 3",
    ]);
  });

  it("of syntax carry the place and do not drown in what follows from them", () => {
    expect(
      faults("name: [a\nversion: }\n", PERSON).every(({ message }) => message.startsWith("not valid YAML: ")),
    ).toBe(true);
    expect(places("a: 'b\n")).toEqual(["2:1"]);
  });

  it("never hold what a terminal would obey", () => {
    const [message = ""] = messages('name: "\\e[2J\\u202e"\nversion: "1"\n', PERSON);
    expect(message).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });

  it("of a hopeless file are cut off, with their number", () => {
    const all = messages(Array.from({ length: 500 }, (_, i) => `x${i}: 1`).join("\n"), PERSON);
    expect(all).toHaveLength(101);
    expect(all.at(-1)).toMatch(/^and \d+ more faults/);
  });
});

describe("any input", () => {
  const good = 'name: ann\nversion: "1.0"\nsteps: 3\ntags: [a, "b"]\nshape: { kind: x }\n# end\n';

  it("is read or refused with InvalidFileError, quickly, whatever the bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        for (const fault of faults(bytes)) expect(fault.line).toBeGreaterThan(0);
      }),
      { seed, numRuns: runs(500, 50_000) },
    );
  });

  it("made of the characters of YAML is read or refused, quickly", () => {
    const piece = fc.constantFrom(
      ..."[]{}:,-?&*!|>'\"%@`#\n \t",
      "a",
      "1",
      ".",
      "\\",
      "<<",
      "---\n",
      "...\n",
      "&a",
      "*a",
      "  - ",
      "? ",
      ": ",
      "é",
      "\r\n",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 400 }), (pieces) => {
        const { ms } = timed(() => faults(pieces.join("")));
        expect(ms).toBeLessThan(500);
      }),
      { seed, numRuns: runs(500, 50_000) },
    );
  });

  it("mutated from a good file is read or refused, and every fault points into the file", () => {
    const edit = fc.record({
      at: fc.nat(good.length),
      cut: fc.nat(12),
      put: fc.string({ maxLength: 6, unit: "binary" }),
    });
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
        const text = edits.reduce((all, { at, cut, put }) => all.slice(0, at) + put + all.slice(at + cut), good);
        for (const { line, column, file } of faults(text, PERSON)) {
          expect(file).toBe("file.yaml");
          expect(line).toBeLessThanOrEqual(text.split("\n").length);
          expect(column).toBeGreaterThan(0);
        }
      }),
      { seed, numRuns: runs(500, 50_000) },
    );
  });

  it("that is JSON is read as JSON reads it", () => {
    const name = fc.stringMatching(/^[a-z]{1,8}$/).filter((text) => !["constructor", "prototype"].includes(text));
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { depthSize: "small" },
        fc.boolean(),
        fc.constant(null),
        fc.maxSafeInteger(),
        fc.string(),
        tie("list"),
        tie("map"),
      ),
      list: fc.array(tie("tree"), { maxLength: 5 }),
      map: fc.dictionary(name, tie("tree"), { maxKeys: 5, noNullPrototype: true }),
    }));
    fc.assert(
      fc.property(fc.dictionary(name, tree, { noNullPrototype: true }), (value) => {
        const text = JSON.stringify(value).replace(
          /[^\x20-\x7e]/g,
          (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
        );
        fc.pre(!text.includes("\\u0000"));
        expect(load(text).value).toEqual(JSON.parse(text.replaceAll(/(?<=[:[,])-0(?=[,}\]])/g, "0")));
      }),
      { seed, numRuns: runs(200, 20_000) },
    );
  });
});
