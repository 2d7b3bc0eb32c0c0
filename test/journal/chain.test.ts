import { describe, expect, it } from "vitest";
import { openRecording } from "../../src/journal/recording.ts";
import { canonicalJson, type Digest, digestOf } from "../../src/model/canonical.ts";
import type { JsonObject } from "../../src/model/json.ts";
import { HEADER, live, workshop } from "./workshop.ts";

const header = canonicalJson({ ...HEADER, format: "pinion-journal/2" });
const sealed = { ref: {}, commit: `hmac-sha256:${"0".repeat(64)}`, sealed: "" };

/** A journal whose digests are all right, whatever else is in it. */
function chained(...entries: readonly JsonObject[]): string[] {
  let prev: Digest = digestOf(header);
  const lines = entries.map((entry) => {
    const line = canonicalJson({ ...entry, prev });
    prev = digestOf(line);
    return line;
  });
  return [header, ...lines];
}

describe("a chain", () => {
  const check = (seq: number, kind = "check.state") => ({ seq, kind, body: {} });
  const input = (seq: number, at: number, ran = 0) => ({ seq, kind: "input.tool", at, ran, body: sealed });

  it("is followed from the header on", async () => {
    const bench = workshop();
    await live(bench, async (what) => what);
    const [first = "", ...rest] = bench.lines();
    bench.overwrite([first.replace('"kernel":"1"', '"kernel":"2"'), ...rest]);
    expect(() => openRecording(bench.folder)).toThrow(/line 2, byte \d+, seq 0: expected prev `sha256:/);
  });

  it.each([
    ["L4 a seq that was left out", [check(0), check(2)], "seq 2: expected seq 1, found seq 2"],
    ["L4 a seq twice", [check(0), check(0)], "seq 1: expected seq 1, found seq 0"],
    ["N6 a time before the last", [input(0, 20), check(1), input(2, 19)], "expected a time not before 20, found 19"],
    ["N6 time worked on that grew less", [input(0, 1, 8), input(1, 1, 7)], "expected `ran` not less than 8, found 7"],
    [
      "L4 an entry after the end",
      [check(0, "check.end"), check(1)],
      "expected nothing after `check.end`, found `check.state`",
    ],
  ])("refuses %s, though every digest is right", async (_, entries, message) => {
    const bench = workshop();
    await (await bench.create()).close();
    bench.overwrite(chained(...entries));
    expect(() => openRecording(bench.folder)).toThrow(message.replace(/^seq \d+: /, ""));
    bench.overwrite(chained(...entries.slice(0, 1)));
    expect(openRecording(bench.folder).count).toBe(1);
  });
});
