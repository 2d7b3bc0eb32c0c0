import { afterEach, beforeEach, expect, test } from "vitest";
import { MOST_SHADOWS } from "../../src/runtime/shadows.ts";
import { Lab, type LabHook } from "../support/lab.ts";
import { CHILD, TURNS } from "../support/phases.ts";
import { runs } from "../support/property.ts";
import { hookHosts } from "./chains.ts";
import type { Hostile } from "./guests/hostile.ts";
import { WAT_GUESTS } from "./guests/wat-hostile.ts";

let lab: Lab;
beforeEach(async () => {
  lab = await Lab.open();
  await lab.file("a.txt", "secret of a");
});
afterEach(() => lab.close());

/** As many as one run may have in shadow, and no two of one kind next to each other; all of them in `npm run soak`. */
const STRIDE = Math.ceil(WAT_GUESTS.length / MOST_SHADOWS);
const groups = Array.from({ length: runs(1, STRIDE) }, (_, first) =>
  WAT_GUESTS.filter((_, at) => at % STRIDE === first).slice(0, MOST_SHADOWS),
);

async function inShadow(guest: Hostile, at: number): Promise<LabHook> {
  return {
    name: `culprit-${at}`,
    component: await guest.component(),
    role: "transformer",
    phases: ["pre-tool"],
    ...(guest.config === undefined ? {} : { config: guest.config }),
    // Far above what any of them takes, so that a busy machine is not taken for a hostile guest.
    limits: { deadlineMs: 30_000, ...guest.limits },
    ...(guest.instance === undefined ? {} : { instance: guest.instance }),
  };
}

test.each(groups.map((group) => ({ group, names: group.map(({ name }) => name).join("; ") })))(
  "in shadow together fail by themselves, block nothing, and replay: $names",
  async ({ group }) => {
    const culprits = await Promise.all(group.map(inShadow));
    const file = await lab.blueprint({
      hooks: culprits,
      shadow: { "pre-tool": culprits.map(({ name }) => name) },
      turns: TURNS,
      child: CHILD,
    });
    const summary = await lab.run(file);
    expect(summary).toMatchObject({ state: "completed", exit: 0, blocked: 0, result: "told: secret of a / helped" });
    const said = lab.entries.filter(({ kind }) => kind === "check.shadow").map(({ body }) => [body.hook, body.cause]);
    expect(said).toEqual(group.map(({ cause }, at) => [`culprit-${at}`, cause]));
    expect(hookHosts()).toEqual([]);
    expect(await lab.replay()).toMatchObject({ answer: "identical" });
  },
);
