import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterEach, beforeEach, expect, test } from "vitest";
import { resumeRun } from "../../src/runtime.ts";
import { Lab, scriptedHook } from "../support/lab.ts";
import { runs } from "../support/property.ts";

let lab: Lab;
beforeEach(async () => {
  lab = await Lab.open();
});
afterEach(() => lab.close());

/** What this process holds: descriptors, children, and those of them that nobody waited for. */
function held() {
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, "latin1").trim().split(" ").filter(Boolean);
  const zombies = children.filter((pid) => /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "latin1")));
  return { descriptors: readdirSync("/proc/self/fd").length, children: children.length, zombies: zombies.length };
}

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** MB that are in use after what is not has been given back. */
function memory(): number {
  collect();
  return process.memoryUsage().heapUsed / 1024 / 1024;
}

test("N3 run after run leaves no descriptor, no process and no memory behind", async () => {
  const hook = await scriptedHook('return allow("ok");', { name: "gate", phases: ["pre-plan"] });
  const file = await lab.blueprint({ hooks: [hook], chain: { "pre-plan": ["gate"] }, turns: [{ text: "done" }] });
  const once = async () => expect(await lab.run(file, { record: undefined })).toMatchObject({ state: "completed" });
  for (let i = 0; i < 3; i++) await once();
  const before = held();
  const used = memory();
  for (let i = 0; i < runs(10, 100); i++) await once();
  expect(held()).toEqual(before);
  expect(memory() - used).toBeLessThan(10);
});

test("N3 one run that pauses and goes on many times leaves nothing behind, and forgets nothing", async () => {
  const pauses = runs(5, 50);
  await lab.file("a.txt", "content");
  const turns = Array.from({ length: 2 * pauses }, (_, i) => ({
    text: `turn ${i}`,
    calls: [{ id: `r${i}`, tool: "file.read", arguments: { path: "a.txt" } }],
  }));
  const hook = await scriptedHook('return JSON.parse(payload).step % 2 === 0 ? block("look") : allow("go");', {
    name: "gate",
    phases: ["pre-plan"],
  });
  const file = await lab.blueprint({
    hooks: [hook],
    chain: { "pre-plan": ["gate"] },
    turns: [...turns, { text: "done" }],
    limits: { steps: 2 * pauses + 1 },
  });
  const { run } = await lab.run(file, { record: undefined });
  const resume = async () => (await resumeRun({ run, ...lab.watching, onEntry: () => undefined }, lab.env)).state;
  expect(await resume()).toBe("paused");
  const before = held();
  const used = memory();
  for (let resumes = 2; resumes < pauses; resumes++) expect(await resume()).toBe("paused");
  expect(held()).toEqual(before);
  expect(memory() - used).toBeLessThan(10);
  expect(await resume()).toBe("completed");
  const key = join(lab.env.stateDir, "keys", `${run}.key`);
  expect(await lab.replay(join(lab.env.stateDir, "runs", run), { key })).toMatchObject({
    answer: "identical",
    steps: 2 * pauses + 1,
  });
});
