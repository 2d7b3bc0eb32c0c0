import fc from "fast-check";
import { expect, it } from "vitest";
import { jsonLine, visible, visibleLine } from "../../src/cli/visible.ts";
import { runs, seed } from "../support/property.ts";

it("A8 text that is not what it seems: terminal escapes, bidirectional and invisible characters are shown", () => {
  expect(visible("\u001b[2Jgone")).toBe("\\u{1b}[2Jgone");
  expect(visible("\u009b31m")).toBe("\\u{9b}31m");
  expect(visible("safe\u202etxt.exe")).toBe("safe\\u{202e}txt.exe");
  expect(visible("\u2066a\u2069 b\u061c")).toBe("\\u{2066}a\\u{2069} b\\u{61c}");
  expect(visible("no\u200bthing")).toBe("no\\u{200b}thing");
  expect(visible("tag\u{e0041}")).toBe("tag\\u{e0041}");
  expect(visible("over\rwritten")).toBe("over\\u{d}written");
  expect(visible("deploy.sh\ufe0f")).toBe("deploy.sh\\u{fe0f}");
  expect(visible("❤\ufe0f\ufe0e")).toBe("❤\ufe0f\\u{fe0e}");
  expect(visible("half \ud800")).toBe("half \\u{d800}");
  expect(visible("rm\u00a0-rf\u2800x\u3000y")).toBe("rm\\u{a0}-rf\\u{2800}x\\u{3000}y");
  expect(visible("two\u2028lines")).toBe("two\\u{2028}lines");
});

it("leaves line feeds, tabs, letters of all scripts and emoji alone", () => {
  const text = "één\n\tשלום 漢字 ❤️ 👍🏽";
  expect(visible(text)).toBe(text);
});

it("shows line feeds where there may be one line only", () => {
  expect(visibleLine("a\nb\tc")).toBe("a\\nb\\tc");
});

it("never lets a control character through, whatever comes in", () => {
  const anything = fc.string({ unit: "binary" });
  fc.assert(
    fc.property(anything, (text) => {
      expect(visible(text)).not.toMatch(/(?![\n\t])\p{Cc}|\p{Bidi_Control}/u);
      expect(visibleLine(text)).not.toMatch(/\p{Cc}|\p{Bidi_Control}/u);
    }),
    { seed, numRuns: runs(300, 50_000) },
  );
});

it("escapes JSON without changing what it says", () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.string({ unit: "binary" }), (any, text) => {
      const value: unknown = { any, text };
      const escaped = jsonLine(value);
      expect(escaped).not.toMatch(/\p{Cc}|\p{Bidi_Control}/u);
      expect(JSON.stringify(JSON.parse(escaped))).toBe(JSON.stringify(value));
    }),
    { seed, numRuns: runs(300, 50_000) },
  );
});
