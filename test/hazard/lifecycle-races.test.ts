import { readFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { PinionError } from "../../src/model/errors.ts";
import { listRuns, pauseRun, type RunSummary, removeRuns, resumeRun, terminateRun } from "../../src/runtime.ts";
import { Lab } from "../support/lab.ts";
import { runs, seed } from "../support/property.ts";

let lab: Lab;
beforeEach(async () => {
  lab = await Lab.open();
});
afterEach(() => lab.close());

const ASKS = ["pause", "terminate", "resume", "rm"] as const;
type Ask = (typeof ASKS)[number];
/** What may come of asking at the wrong moment; everything else is a fault. */
const REFUSALS = ["run-ended", "run-live", "not-live", "not-ended", "journal-locked", "no-such-run", "no-answer"];

/** What asking came to: the state that was reached, or the code of the refusal. */
async function ask(what: Ask, run: string): Promise<string> {
  const { env, watching } = lab;
  const quiet = { ...watching, onEntry: () => undefined };
  try {
    switch (what) {
      case "pause":
        return (await pauseRun({ run }, env)).state;
      case "terminate":
        return (await terminateRun({ run }, env)).state;
      case "resume":
        return (await resumeRun({ run, ...quiet }, env)).state;
      case "rm":
        return (await removeRuns([run], { force: false }, env)).removed.length === 1 ? "removed" : "odd";
    }
  } catch (error) {
    if (error instanceof PinionError && REFUSALS.includes(error.code)) return error.code;
    throw error;
  }
}

const CALLS = 3;

/** A run of calls that each leave one mark outside. */
async function blueprint(): Promise<string> {
  await lab.file("mark.cjs", 'require("node:fs").appendFileSync("out/marks", "x");');
  await lab.file("out/marks", "");
  const calls = Array.from({ length: CALLS }, (_, i) => ({
    text: `call ${i}`,
    calls: [{ id: `c${i}`, tool: "process.run", arguments: { argv: ["node", "mark.cjs"] } }],
  }));
  return lab.blueprint({ turns: [...calls, { text: "done" }] });
}

test("whatever is asked at whatever moment, the run comes to one state, its journal is whole and no call is made twice", async () => {
  const file = await blueprint();
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ at: fc.nat(45), what: fc.constantFrom(...ASKS) }), { minLength: 1, maxLength: 4 }),
      async (asks) => {
        await lab.file("out/marks", "");
        const asked: Promise<string>[] = [];
        let run = "";
        let seen = 0;
        const summary: RunSummary = await lab.run(file, {
          record: undefined,
          onEntry: ({ body }) => {
            if (seen === 0) run = String((body.ref as { readonly run?: unknown }).run);
            for (const { at, what } of asks) if (at === seen) asked.push(ask(what, run));
            seen += 1;
          },
        });
        const came = await Promise.all(asked);
        if (came.includes("removed")) {
          expect((await listRuns(lab.env)).map((row) => row.run)).not.toContain(run);
          return;
        }
        let [row] = (await listRuns(lab.env)).filter((found) => found.run === run);
        expect(["paused", "completed", "terminated"]).toContain(row?.state);
        expect(row?.process).toBeNull();
        if (came.includes("terminated")) expect(row?.state).toBe("terminated");
        if (row?.state === "paused") {
          expect(await ask("resume", run)).toBe("completed");
          [row] = (await listRuns(lab.env)).filter((found) => found.run === run);
        }
        expect(summary.run).toBe(run);
        const marks = (await readFile(join(lab.workspace, "out/marks"), "utf8")).length;
        if (row?.state === "completed") expect(marks).toBe(CALLS);
        expect(marks).toBeLessThanOrEqual(CALLS);
        const key = join(lab.env.stateDir, "keys", `${run}.key`);
        expect(await lab.replay(join(lab.env.stateDir, "runs", run), { key })).toMatchObject({ answer: "identical" });
      },
    ),
    { seed, numRuns: runs(12, 500) },
  );
});
