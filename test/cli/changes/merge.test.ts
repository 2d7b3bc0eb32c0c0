import fc from "fast-check";
import { expect, test } from "vitest";
import { linesOf } from "../../../src/cli/changes/lines.ts";
import { merged } from "../../../src/cli/changes/merge.ts";
import { threeWay } from "../../../src/cli/changes/threeway.ts";
import { runs, seed } from "../../support/property.ts";
import { diffText } from "./trees.ts";

const plain = (text: string) => text;
const lines = (text: string) => linesOf(Buffer.from(text));
const kinds = (base: string, run: string, now: string) =>
  merged(lines(base), lines(run), lines(now)).map(({ kind }) => kind);

test("tells whose each change is", () => {
  const base = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
  expect(kinds(base, base.replace("2", "two"), base.replace("8", "eight"))).toEqual([
    "same",
    "run",
    "same",
    "now",
    "same",
  ]);
  expect(kinds(base, base.replace("5", "five"), base.replace("5", "five"))).toEqual(["same", "both", "same"]);
  expect(kinds(base, base.replace("5", "five"), base.replace("5", "cinq"))).toEqual(["same", "conflict", "same"]);
  expect(kinds(base, base.replace("5\n", ""), base.replace("5", "cinq"))).toEqual(["same", "conflict", "same"]);
});

test("changes that touch are a conflict, also insertions at one place", () => {
  expect(kinds("1\n2\n3\n", "1\nTWO\n3\n", "1\n2\nTHREE\n")).toEqual(["same", "conflict"]);
  expect(kinds("1\n2\n", "1\na\n2\n", "1\nb\n2\n")).toEqual(["same", "conflict", "same"]);
  expect(kinds("", "a\n", "b\n")).toEqual(["conflict"]);
});

test("each side's stretches put together are that side's text", () => {
  fc.assert(
    fc.property(diffText, diffText, diffText, (base, run, now) => {
      const stretches = merged(linesOf(base), linesOf(run), linesOf(now));
      const sides = { base, run, now };
      for (const [side, bytes] of Object.entries(sides) as ["base" | "run" | "now", Uint8Array][]) {
        expect(stretches.flatMap((stretch) => stretch[side]).join("")).toBe(Buffer.from(bytes).toString("latin1"));
      }
      for (const { kind, base: old, run: left, now: right } of stretches) {
        if (kind === "same" || kind === "run") expect(right).toEqual(old);
        if (kind === "same" || kind === "now") expect(left).toEqual(old);
        if (kind === "both") expect(left).toEqual(right);
        if (kind === "conflict") expect(left).not.toEqual(right);
      }
    }),
    { seed, numRuns: runs(300, 20_000) },
  );
});

test("a text that only one side changed has no conflict", () => {
  fc.assert(
    fc.property(diffText, diffText, (base, side) => {
      const [old, changed] = [linesOf(base), linesOf(side)];
      const beside = (...sides: Parameters<typeof merged>) =>
        [...new Set(merged(...sides).map(({ kind }) => kind))].filter((kind) => kind !== "same");
      expect(beside(old, changed, old).every((kind) => kind === "run")).toBe(true);
      expect(beside(old, old, changed).every((kind) => kind === "now")).toBe(true);
      expect(beside(old, changed, changed).every((kind) => kind === "both")).toBe(true);
    }),
    { seed, numRuns: runs(200, 10_000) },
  );
});

test("H15 shows what was there, the run's and the workspace's, with nothing that could pass for a mark", () => {
  const view = threeWay(
    {
      base: Buffer.from("a\nb\nc\nd\ne\n"),
      run: Buffer.from("a\nb\n=======\u001b[2J\nd\ne\n"),
      now: Buffer.from("a\nb\ncee\nd\ne"),
    },
    plain,
  );
  expect(view).toBe(
    [
      "one place changed by both",
      "         │ a",
      "         │ b",
      "@ line 3: conflict",
      "  before │ c",
      "  run    │ =======\\u{1b}[2J",
      "  now    │ cee",
      "         │ d",
      "@ line 5: changed in the workspace",
      "  before │ e",
      "  now    │ e  (no line feed)",
    ].join("\n"),
  );
  const apart = threeWay(
    { base: Buffer.from("1\n2\n3\n"), run: Buffer.from("2\n3\n"), now: Buffer.from("1\n2\nthree\n") },
    plain,
  );
  expect(apart).toMatch(/^the two changes do not touch each other/);
  expect(apart).toMatch(/^ {2}run {4}│ \(nothing\)$/m);
});

test("there is no view of what is no text or not known, and a long one is cut", () => {
  const text = Buffer.from("x\n");
  expect(threeWay({ base: text, run: Buffer.from([0]), now: text }, plain)).toBeUndefined();
  expect(threeWay({ base: undefined, run: text, now: text }, plain)).toBeUndefined();
  const long = threeWay({ base: text, run: Buffer.from("y\n".repeat(1000)), now: Buffer.from("z\n") }, plain);
  expect(long).toMatch(/… 80\d more lines$/);
});
