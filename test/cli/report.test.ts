import { expect, it } from "vitest";
import { report } from "../../src/cli/report.ts";
import { DeniedError, InputError, IntegrityError, InterruptedError, WorldError } from "../../src/model/errors.ts";

function printed(error: unknown, json = false) {
  const data: string[] = [];
  const talk: string[] = [];
  const out = {
    data: (text: string) => data.push(text),
    bytes: () => undefined,
    talk: (text: string) => talk.push(text),
  };
  return { exit: report(error, { json, out }), data, talk };
}

it("prints message and hint on stderr and gives the exit code of the error", () => {
  const error = new InputError({ code: "no-file", message: "`x` is not there", hint: "look for it" });
  expect(printed(error)).toEqual({ exit: 2, data: [], talk: ["error: `x` is not there", "  look for it"] });
});

it.each([
  [InputError, 2],
  [IntegrityError, 5],
  [DeniedError, 4],
  [WorldError, 1],
  [InterruptedError, 130],
])("%o comes to exit code %i", (Kind, exit) => {
  expect(printed(new Kind({ code: "c", message: "m" })).exit).toBe(exit);
});

it("prints an object on stdout, and nothing else, with --json", () => {
  const { data, talk } = printed(new WorldError({ code: "disk-full", message: "m", hint: "h" }), true);
  expect(data.map((line) => JSON.parse(line) as unknown)).toEqual([
    { error: { code: "disk-full", message: "m", hint: "h" } },
  ]);
  expect(talk).toEqual([]);
});

it("takes what it does not know for a bug of Pinion, and says where it was", () => {
  const { exit, talk } = printed(new TypeError("x is not a function"));
  expect(exit).toBe(1);
  expect(talk[0]).toMatch(/^error: Pinion failed in a way that it should not: TypeError: x is not a function \(at /);
  expect(talk[1]).toMatch(/report/);
  expect(printed("thrown text").talk[0]).toContain("thrown text");
});

it("A8 text that is not what it seems: an error shows what a terminal would act on", () => {
  const error = new InputError({ code: "c", message: "file \u001b[2J\u202egpj.exe", hint: "\u0007" });
  expect(printed(error).talk).toEqual(["error: file \\u{1b}[2J\\u{202e}gpj.exe", "  \\u{7}"]);
  const [line] = printed(error, true).data;
  expect(line).not.toMatch(/\p{Cc}|\p{Bidi_Control}/u);
  expect(JSON.parse(line ?? "")).toMatchObject({ error: { message: error.message } });
});
