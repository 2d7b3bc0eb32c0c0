import { readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { resumeRun, type Verified, verifyJournal } from "../../src/runtime.ts";
import { Lab, scriptedHook } from "../support/lab.ts";
import { runs, seed } from "../support/property.ts";

let lab: Lab;
let run: string;
let files: Readonly<Record<"journal" | "checkpoints" | "checkpoint key" | "run key", string>>;
beforeEach(async () => {
  lab = await Lab.open();
  const gate = await scriptedHook(`return block("wait");`, { name: "gate", phases: ["pre-plan"] });
  const file = await lab.blueprint({ turns: [{ text: "done" }], hooks: [gate], chain: { "pre-plan": ["gate"] } });
  ({ run } = await lab.run(file));
  const folder = join(lab.env.stateDir, "runs", run);
  files = {
    journal: join(folder, "journal.jsonl"),
    checkpoints: join(folder, "checkpoints.jsonl"),
    "checkpoint key": join(lab.env.stateDir, "checkpoint.key"),
    "run key": join(lab.env.stateDir, "keys", `${run}.key`),
  };
});
afterEach(() => lab.close());

const verified = (): Promise<Verified | string> =>
  verifyJournal({ target: run, checkpoints: [], keys: [] }, lab.env).catch((error: { code: string }) => error.code);
/** What a person would take for a sound journal. */
const sound = (answer: Verified | string): boolean =>
  typeof answer !== "string" && answer.state === "whole" && answer.exit === 0 && answer.unanchored === 0;

/** Changes a file in every way that the property comes to, and puts it back. */
async function damaged(
  file: string,
  damage: (bytes: Buffer, at: number, bit: number) => void,
  check: () => Promise<void>,
): Promise<void> {
  const whole = readFileSync(file);
  await fc.assert(
    fc.asyncProperty(fc.nat(whole.length - 1), fc.nat(7), async (at, bit) => {
      damage(whole, at, bit);
      try {
        await check();
      } finally {
        writeFileSync(file, whole);
      }
    }),
    { seed, numRuns: runs(40, 2000) },
  );
}

describe("damage to what a run keeps on disk", () => {
  it("is nothing that verify would overlook: a run that nobody touched is sound", async () => {
    expect(sound(await verified())).toBe(true);
  });

  it.each(["journal", "checkpoints", "checkpoint key"] as const)("L3 a flipped bit of the %s is seen", async (name) => {
    const flip = (bytes: Buffer, at: number, bit: number) => {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ (1 << bit);
      writeFileSync(files[name], changed);
    };
    await damaged(files[name], flip, async () => expect(sound(await verified())).toBe(false));
  });

  it.each(["journal", "checkpoints", "checkpoint key"] as const)("L5 a cut of the %s is seen", async (name) => {
    const cut = (_: Buffer, at: number) => truncateSync(files[name], at);
    await damaged(files[name], cut, async () => expect(sound(await verified())).toBe(false));
  });

  it("L3 a run whose key lost a bit is not resumed, and its journal stays as it was", async () => {
    const before = readFileSync(files.journal);
    const flip = (bytes: Buffer, at: number, bit: number) => {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ (1 << bit);
      writeFileSync(files["run key"], changed);
    };
    await damaged(files["run key"], flip, async () => {
      await expect(resumeRun({ run, ...lab.watching }, lab.env)).rejects.toMatchObject({
        code: expect.stringMatching(/^(bad-key|seal-broken)$/),
      });
      expect(readFileSync(files.journal)).toEqual(before);
    });
  });
});
