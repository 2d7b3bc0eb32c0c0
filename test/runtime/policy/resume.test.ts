import { existsSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { JsonObject } from "../../../src/model/json.ts";
import { resumeRun } from "../../../src/runtime.ts";
import { Lab, scriptedHook } from "../../support/lab.ts";
import { declaredIn, everything, layersIn, permissionOf, policyText, writePolicy } from "../../support/policies.ts";

let lab: Lab;
beforeEach(async () => {
  lab = await Lab.open();
  await lab.file("a.txt", "content of a");
  await lab.file("b.txt", "content of b");
});
afterEach(() => lab.close());

const read = (id: string, path = "a.txt") => ({ id, tool: "file.read", arguments: { path } });
const policy = (whose: "etc" | "config", spec: JsonObject, name?: string) => writePolicy(lab, whose, spec, name);
const namesIn = (body: JsonObject | undefined): readonly unknown[] => layersIn(body).map(({ name }) => name);

describe("a run that is resumed", () => {
  async function paused(): Promise<string> {
    const turns = [{ text: "one", calls: [read("r1")] }, { text: "two", calls: [read("r2")] }, { text: "done" }];
    const summary = await lab.run(await lab.blueprint({ turns }));
    // What a crash at the end of the first step would have left.
    await lab.crash(summary, "check.boundary", '"phase":"pre-plan"', '"step":2');
    return summary.run;
  }
  const again = async (run: string) => {
    lab.entries.length = 0;
    const summary = await resumeRun({ run, ...lab.watching }, lab.env);
    return { summary, folder: dirname(summary.journal), key: join(lab.env.stateDir, "keys", `${run}.key`) };
  };

  test("is bound by a policy that is stricter meanwhile, and says in its journal from where on", async () => {
    const run = await paused();
    await policy("etc", { ...everything, filesystem: { read: ["b.txt"] } });
    const { summary, folder, key } = await again(run);
    expect(summary.state).toBe("completed");
    expect(permissionOf(lab, "r2")).toMatchObject({
      allow: false,
      rule: "machine policy limits@1.0.0: filesystem.read",
    });
    expect(namesIn(declaredIn(lab).at(-1))).toContain("machine policy limits@1.0.0");
    expect(lab.entries.find(({ kind }) => kind === "input.control")?.body.ref).toMatchObject({ control: "narrow" });
    await rm(join(lab.root, "etc"), { recursive: true });
    expect(await lab.replay(folder, { key })).toMatchObject({ answer: "identical" });
    const verified = await lab.finished("harness", ["verify", folder]);
    expect(verified).toMatchObject({ code: 0, stderr: "" });
    await lab.forget(summary);
    expect(await lab.replay(folder)).toMatchObject({ answer: "identical-except-sealed" });
  });

  test("does not do again what a crash left undone and the policy denies by now", async () => {
    await lab.file("out/old.txt", "here before");
    const write = { id: "w1", tool: "file.write", arguments: { path: "out/new.txt", content: "x" } };
    const turns = [{ text: "writing", calls: [write] }, { text: "done" }];
    const summary = await lab.run(await lab.blueprint({ turns }));
    await lab.crash(summary, "check.intent", '"call":"w1"');
    await rm(join(lab.workspace, "out/new.txt"));
    const file = await policy("etc", { ...everything, filesystem: { read: ["**"], write: [] } });
    const { folder, key } = await again(summary.run);
    expect(existsSync(join(lab.workspace, "out/new.txt"))).toBe(false);
    expect(lab.boundaries("post-tool")).toMatchObject([{ payload: { result: { ok: false } } }]);
    await rm(file);
    expect(await lab.replay(folder, { key })).toMatchObject({ answer: "identical" });
  });

  test("C1 binds the child that it waits for as well", async () => {
    const spawn = { id: "s1", tool: "agent.spawn", arguments: { agent: "helper", goal: "help" } };
    const turns = [{ text: "asking", calls: [spawn] }, { text: "done" }];
    const child = [{ text: "not asked for" }, { text: "reading", calls: [read("c1")] }, { text: "read" }];
    const code = 'globalThis.asked ??= 0; return globalThis.asked++ === 0 ? block("look first") : allow("go");';
    const hook = await scriptedHook(code, { name: "watchful", phases: ["pre-plan"] });
    const chain = { "pre-plan": ["watchful"] };
    const first = await lab.run(await lab.blueprint({ turns, child, childHooks: [hook], childChain: chain }));
    expect(first.state).toBe("paused");
    const file = await policy("etc", { ...everything, filesystem: { read: ["b.txt"] } });
    const { summary, folder, key } = await again(first.run);
    expect(summary.state).toBe("completed");
    const journal = join(dirname(folder), first.children[0] ?? "", "journal.jsonl");
    expect(await readFile(journal, "utf8")).toContain('"rule":"machine policy limits@1.0.0: filesystem.read"');
    await rm(file);
    expect(await lab.replay(folder, { key })).toMatchObject({ answer: "identical" });
  });

  test("needs leases from then on where the policy says so meanwhile", async () => {
    const run = await paused();
    const file = await policy("etc", { ...everything, leases: { require: ["fs"] } });
    const { folder, key } = await again(run);
    expect(permissionOf(lab, "r2")).toMatchObject({ allow: false, rule: "lease: none" });
    await rm(file);
    expect(await lab.replay(folder, { key })).toMatchObject({ answer: "identical" });
  });

  test("is not bound less by one that was loosened or removed", async () => {
    const file = await policy("etc", { ...everything, filesystem: { read: ["b.txt"] } });
    const run = await paused();
    await writeFile(file, policyText(everything));
    await again(run);
    expect(permissionOf(lab, "r2")).toMatchObject({ allow: false });
  });

  test("keeps what it was narrowed by when it is resumed once more", async () => {
    const run = await paused();
    const file = await policy("etc", { ...everything, filesystem: { read: ["b.txt"] } });
    const { summary } = await again(run);
    await lab.crash(summary, "check.permission", "machine policy");
    await rm(file);
    const { folder, key } = await again(run);
    expect(permissionOf(lab, "r2")).toMatchObject({ allow: false });
    expect(await lab.replay(folder, { key })).toMatchObject({ answer: "identical" });
  });

  test("does not go on while a policy is broken, and can still be ended", async () => {
    const run = await paused();
    const file = await policy("etc", everything);
    await writeFile(file, "kind: [");
    await expect(again(run)).rejects.toMatchObject({ code: "invalid-file" });
    const { code, stderr } = await lab.finished("pinion", ["run", "terminate", run]);
    expect(stderr).toBe("");
    expect(code).toBe(0);
  });
});
