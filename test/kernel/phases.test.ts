import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { digestOf } from "../../src/model/canonical.ts";
import { PHASES, type Phase } from "../../src/model/phase.ts";
import { Lab, scriptedHook } from "../support/lab.ts";
import { blockedBoundaries, CHILD, NOTHING_HAPPENED, TURNS } from "../support/phases.ts";

interface Fault {
  readonly code: string;
  readonly says: string;
  readonly deadlineMs?: number;
}

/** What a hook can do wrong at a boundary, and the word by which the journal names it. */
const FAULTS: Readonly<Record<string, Fault>> = {
  "a hook that blocks": { code: 'return block("told to block");', says: "told to block" },
  // A thrown number cannot be lowered to the error string, which traps.
  "a hook that traps": { code: "throw 1;", says: "failed (trap)" },
  "a hook that never returns": {
    code: "for (;;) globalThis.turns = (globalThis.turns ?? 0) + 1;",
    says: "failed (limit): `fuel`",
  },
  "a hook that waits for ever": { code: "for (;;) host.sleep(50);", says: "failed (deadline)", deadlineMs: 400 },
  "a hook that answers garbage": { code: 'return transform("garbage", "{");', says: "failed (malformed)" },
  "a hook whose component is missing": { code: 'return allow("");', says: "failed (missing-artifact)" },
};

let lab: Lab;
beforeEach(async () => {
  lab = await Lab.open();
  await lab.file("a.txt", "secret of a");
});
afterEach(() => lab.close());

async function blueprintWith(
  phase: Phase,
  { code, deadlineMs = 20_000 }: Pick<Fault, "code" | "deadlineMs">,
): Promise<{ readonly file: string; readonly component: Uint8Array }> {
  const culprit = await scriptedHook(code, {
    name: "culprit",
    role: "transformer",
    phases: [phase],
    limits: { deadlineMs, fuel: 10_000_000 },
  });
  const file = await lab.blueprint({
    hooks: [culprit],
    chain: { [phase]: ["culprit"] },
    turns: TURNS,
    child: CHILD,
  });
  return { file, component: culprit.component };
}

test("without a fault everything happens", async () => {
  const { file } = await blueprintWith("audit", { code: 'return allow("");' });
  const summary = await lab.run(file);
  expect(summary).toMatchObject({ state: "completed", blocked: 0, result: "told: secret of a / helped" });
  expect(await readFile(join(lab.workspace, "out/made.txt"), "utf8")).toBe("made");
  expect(summary.children).toHaveLength(1);
  expect(await lab.replay()).toMatchObject({ answer: "identical" });
  expect(await lab.replay(join(lab.root, "out.child-1.jsonl"))).toMatchObject({ answer: "identical" });
});

for (const phase of PHASES) {
  for (const [fault, { says, ...does }] of Object.entries(FAULTS)) {
    test(`${phase}: ${fault} keeps the guarded action from happening, and replays without waiting`, async () => {
      const { file, component } = await blueprintWith(phase, does);
      const lost = join(lab.env.dataDir, "store/sha256", digestOf(component).slice(7, 9), digestOf(component).slice(7));
      const removals: Promise<void>[] = [];
      if (fault.includes("missing")) {
        const { random } = lab.env;
        // Somebody removes the file between the check of the pins and its use: a run draws its id in between.
        const removing = (bytes: number): Uint8Array => {
          removals.push(rm(lost, { force: true }));
          return random(bytes);
        };
        Object.assign(lab.env, { random: removing });
      }
      const summary = await lab.run(file);
      await Promise.all(removals);

      NOTHING_HAPPENED[phase](lab, summary);
      const blocked = blockedBoundaries(lab);
      expect(blocked.length).toBeGreaterThan(0);
      const said = JSON.stringify(blocked.map(({ reason, audit }) => [reason, audit]));
      expect(said).toContain("`culprit`");
      if (phase !== "audit" || says !== "told to block") expect(said).toContain(says);

      const before = performance.now();
      expect(await lab.replay()).toMatchObject({ answer: "identical" });
      expect(performance.now() - before).toBeLessThan(20_000);
    });
  }
}
