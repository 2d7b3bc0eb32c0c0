import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Context, Seal } from "../../src/journal/seal.ts";
import { digestOf } from "../../src/model/canonical.ts";
import { IntegrityError } from "../../src/model/errors.ts";
import { runs, seed } from "../support/property.ts";

const key = randomBytes(32);
const seal = new Seal(key, "r1");
const context: Context = { seq: 3, kind: "input.tool", prev: digestOf("line 2") };

describe("a seal", () => {
  it("opens what it closed", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        const { commit, bytes } = seal.close(context, text, randomBytes(12));
        expect(seal.open(context, commit, bytes)).toBe(text);
      }),
      { seed, numRuns: runs(100, 5_000) },
    );
  });

  it("breaks when any bit of body or commitment is another", () => {
    const { commit, bytes } = seal.close(context, "secret", randomBytes(12));
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const other = Buffer.from(bytes);
      other[bit >> 3] = (other[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(() => seal.open(context, commit, other)).toThrow(IntegrityError);
    }
    const wrong = commit.replace(/.$/, (last) => (last === "0" ? "1" : "0"));
    expect(() => seal.open(context, wrong, bytes)).toThrow(IntegrityError);
    for (const length of [0, 11, 12, 27]) {
      expect(() => seal.open(context, commit, bytes.subarray(0, length))).toThrow(IntegrityError);
    }
  });

  it("opens at its own place only: run, seq, kind, and all that stood before", () => {
    const { commit, bytes } = seal.close(context, "secret", randomBytes(12));
    const elsewhere: Context[] = [
      { ...context, seq: 4 },
      { ...context, kind: "input.model" },
      { ...context, prev: digestOf("another line 2") },
    ];
    for (const other of elsewhere) expect(() => seal.open(other, commit, bytes)).toThrow("does not open");
    expect(() => new Seal(key, "r2").open(context, commit, bytes)).toThrow(IntegrityError);
    expect(() => new Seal(randomBytes(32), "r1").open(context, commit, bytes)).toThrow(IntegrityError);
  });

  it("shows by no commitment that two bodies are the same", () => {
    const first = seal.close(context, "yes", randomBytes(12));
    const second = seal.close({ ...context, seq: 9 }, "yes", randomBytes(12));
    expect(first.commit).not.toBe(second.commit);
    expect(seal.commitment("yes")).not.toBe(first.commit);
  });

  it("commits to a text under the key: the same for the same run, another for another key", () => {
    expect(seal.commitment("text")).toMatch(/^hmac-sha256:[0-9a-f]{64}$/);
    expect(new Seal(key, "r1").commitment("text")).toBe(seal.commitment("text"));
    expect(new Seal(key, "r2").commitment("text")).not.toBe(seal.commitment("text"));
    expect(seal.commitment("text")).not.toBe(seal.commitment("texts"));
  });
});
