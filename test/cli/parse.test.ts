import fc from "fast-check";
import { expect, it } from "vitest";
import { helpText } from "../../src/cli/help.ts";
import { parse } from "../../src/cli/parse.ts";
import { PINION } from "../../src/cli/pinion.ts";
import type { Spec } from "../../src/cli/spec.ts";
import { runs, seed } from "../support/property.ts";

function asked(line: string) {
  const parsed = parse(PINION, line.split(" ").filter(Boolean));
  return parsed.kind === "call" ? { args: parsed.args, options: parsed.options } : parsed;
}

function wrong(message: string, path: string) {
  return { kind: "wrong", message, path };
}

it("finds arguments and options wherever they stand", () => {
  const options = { goal: "g", workspace: "w", baseUrl: "u" };
  expect(asked("blueprint run f --goal g --workspace w --base-url u")).toEqual({ args: ["f"], options });
  expect(asked("blueprint run --workspace=w --goal=g --base-url=u f")).toEqual({ args: ["f"], options });
});

it("gathers options that may be given more than once, and arguments of any number", () => {
  expect(asked("harness replay f --artifacts a --artifacts b")).toEqual({
    args: ["f"],
    options: { artifacts: ["a", "b"] },
  });
  expect(asked("blueprint list a b c")).toEqual({ args: ["a", "b", "c"], options: {} });
  expect(asked("blueprint list")).toEqual({ args: [], options: {} });
});

it("takes everything after `--` for arguments", () => {
  expect(asked("blueprint show -- --odd-name")).toEqual({ args: ["--odd-name"], options: {} });
});

it("says what is missing, unknown or too much, and of which command", () => {
  expect(asked("")).toEqual(wrong("expected a command", "pinion"));
  expect(asked("run")).toEqual(wrong("expected a command", "pinion run"));
  expect(asked("bogus")).toEqual(wrong("unknown command `bogus`", "pinion"));
  expect(asked("--bogus")).toEqual(wrong("unknown option `--bogus`", "pinion"));
  expect(asked("constructor")).toEqual(wrong("unknown command `constructor`", "pinion"));
  expect(asked("run list --bogus")).toEqual(wrong("unknown option `--bogus`", "pinion run list"));
  expect(asked("run list -x")).toEqual(wrong("unknown option `-x`", "pinion run list"));
  expect(asked("run list --__proto__")).toEqual(wrong("unknown option `--__proto__`", "pinion run list"));
  expect(asked("run list more")).toEqual(wrong("unexpected argument `more`", "pinion run list"));
  expect(asked("run rearm r")).toEqual(wrong("missing argument `<hook>`", "pinion run rearm"));
  expect(asked("run rearm r h")).toEqual(wrong("missing option `--reason <text>`", "pinion run rearm"));
  expect(asked("run list --json=yes")).toEqual(wrong("`--json` takes no value", "pinion run list"));
});

it("does not take an option for the value of another, unless they are joined", () => {
  const message = "`--reason <text>` has no value; write `--reason=--json` if it is `--json`";
  expect(asked("run rearm r h --reason --json")).toEqual(wrong(message, "pinion run rearm"));
  expect(asked("run rearm r h --reason")).toEqual(wrong("`--reason <text>` has no value", "pinion run rearm"));
  expect(asked("run rearm r h --reason=--json")).toMatchObject({ options: { reason: "--json" } });
});

it("explains itself wherever it is asked to", () => {
  expect(asked("--help")).toMatchObject({ kind: "help", path: "pinion" });
  expect(asked("run -h")).toMatchObject({ kind: "help", path: "pinion run" });
  expect(asked("run rearm --help")).toMatchObject({ kind: "help", path: "pinion run rearm" });
  expect(asked("--version")).toEqual({ kind: "version" });
});

it("explains every command with its arguments, options and what it prints as JSON", () => {
  const explain = (spec: Spec, path: string): void => {
    const text = helpText(spec, path);
    expect(text).toContain(`Usage: ${path}`);
    if ("commands" in spec) {
      for (const command of spec.commands) explain(command, `${path} ${command.name}`);
      return;
    }
    for (const { name } of [...(spec.arguments ?? []), ...(spec.options ?? [])]) expect(text).toContain(name);
    expect(text).toContain(`With --json: ${spec.json}`);
  };
  explain(PINION, "pinion");
});

it("has an answer to every command line", () => {
  const names = [
    "blueprint",
    "run",
    "list",
    "rearm",
    "harness",
    "replay",
    "--json",
    "--goal",
    "--help",
    "--",
    "-h",
    "-",
  ];
  const word = fc.oneof(
    fc.constantFrom(...names),
    fc.string(),
    fc.string().map((text) => `--${text}`),
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 8 }), (words) => {
      const parsed = parse(PINION, words);
      if (parsed.kind === "wrong") expect(parsed.message).not.toBe("");
    }),
    { seed, numRuns: runs(500, 50_000) },
  );
});
