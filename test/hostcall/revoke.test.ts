import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { resumeRun, revokeHandles } from "../../src/runtime.ts";
import { go, holding, prepareHolds, runJson, runsOf, startHeld, until } from "../support/held.ts";
import { Lab, type LabBlueprint, scriptedHook } from "../support/lab.ts";

let lab: Lab;
beforeEach(async () => {
  lab = await Lab.open();
  await prepareHolds(lab);
  await lab.file("out/note.txt", "hello");
});
afterEach(() => lab.close());

const AUTHORITY = { tools: [], files: [{ name: "out", path: "out", actions: ["read", "write"] }] };

/** Says by its rationale what it can do with a handle that it keeps, and whether it gets another. */
const TRY = `
const attempt = (work) => { try { return work(); } catch (error) { return String(error.message ?? error.payload ?? error); } };
globalThis.kept ??= files.openRoot("out");
const old = attempt(() => files.stat(globalThis.kept, "note.txt").kind);
const fresh = attempt(() => typeof files.openRoot("out"));
return allow(old + " / " + fresh);
`;

async function blueprint(turns: LabBlueprint["turns"], code = TRY): Promise<string> {
  const hook = await scriptedHook(code, { name: "reader", phases: ["pre-plan"], authority: AUTHORITY });
  return lab.blueprint({ hooks: [hook], grants: { reader: AUTHORITY }, chain: { "pre-plan": ["reader"] }, turns });
}

test("H11 a handle kept after revocation is dead, no other is given, and a resume does not bring it back", async () => {
  const file = await blueprint([holding("a"), holding("b"), { text: "done" }]);
  const { run, command } = await startHeld(lab, file, "a");
  const asked = ["revoke", run, "reader", "--reason", "it reads too much"];
  expect(await runJson(lab, ...asked, "--no-wait")).toMatchObject({ code: 0, said: { done: false } });
  expect(await runJson(lab, "pause", run, "--no-wait")).toMatchObject({ code: 0 });
  await go(lab, "a");
  await go(lab, "b");
  await command.done;
  expect(await runJson(lab, "status", run)).toMatchObject({ said: { state: "paused", revoked: ["reader"] } });
  lab.entries.length = 0;
  expect(await resumeRun({ run, ...lab.watching }, lab.env)).toMatchObject({ state: "completed" });
  expect(lab.rationales("pre-plan")).toEqual([
    "denied: revoked / denied: revoked",
    "denied: revoked / denied: revoked",
  ]);
  const refused = lab.entries.filter(({ kind }) => kind === "check.refused").map(({ body }) => body);
  expect(refused).toHaveLength(4);
  expect(refused[0]).toMatchObject({ origin: "hook:reader", reason: "revoked" });
  const folder = join(lab.env.stateDir, "runs", run);
  expect(await lab.replay(folder, { key: join(lab.env.stateDir, "keys", `${run}.key`) })).toMatchObject({
    answer: "identical",
  });
});

test("H11 a revocation takes effect at the next hostcall of a hook that is at work", async () => {
  const file = await blueprint(
    [{ text: "done" }],
    `
    const handle = files.openRoot("out");
    const seen = [];
    for (let i = 0; i < 2000; i++) {
      try { seen.push(files.stat(handle, "note.txt").kind); } catch (error) { return allow("after " + (seen.length > 0) + ": " + String(error.message ?? error.payload)); }
      if (i === 3) files.write(handle, "now.txt", new Uint8Array([1]));
      host.sleep(5);
    }
    return allow("never");`,
  );
  const running = lab.run(file, { record: undefined });
  await until("the hook is at work", () => existsSync(join(lab.workspace, "out/now.txt")));
  const [run = ""] = await runsOf(lab);
  expect(await revokeHandles({ run, hook: "reader", reason: "now" }, lab.env)).toMatchObject({ done: true });
  expect(await running).toMatchObject({ state: "completed" });
  expect(lab.rationales("pre-plan")).toEqual(["after true: denied: revoked"]);
  const key = join(lab.env.stateDir, "keys", `${run}.key`);
  expect(await lab.replay(join(lab.env.stateDir, "runs", run), { key })).toMatchObject({ answer: "identical" });
});

test("handles of a run that nobody works on are revoked too, and the run stays paused", async () => {
  const gate = `globalThis.kept ??= files.openRoot("out"); if (JSON.parse(payload).step === 1) return block("wait");${TRY}`;
  const { run, state } = await lab.run(await blueprint([{ text: "not said" }, { text: "done" }], gate));
  expect(state).toBe("paused");
  expect(await revokeHandles({ run, hook: "reader", reason: "before it goes on" }, lab.env)).toMatchObject({
    state: "paused",
    process: null,
    done: true,
  });
  lab.entries.length = 0;
  expect(await resumeRun({ run, ...lab.watching }, lab.env)).toMatchObject({ state: "completed" });
  expect(lab.rationales("pre-plan").at(-1)).toBe("denied: revoked / denied: revoked");
});
