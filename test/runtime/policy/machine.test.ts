import { writeFileSync } from "node:fs";
import { chmod, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Entry } from "../../../src/model/entry.ts";
import { EXIT } from "../../../src/model/errors.ts";
import type { JsonObject } from "../../../src/model/json.ts";
import { Lab } from "../../support/lab.ts";
import { declaredIn, everything, layersIn, permissionOf, policyText, writePolicy } from "../../support/policies.ts";

let lab: Lab;
beforeEach(async () => {
  lab = await Lab.open();
  await lab.file("a.txt", "content of a");
  await lab.file("b.txt", "content of b");
});
afterEach(() => lab.close());

const read = (id: string, path = "a.txt") => ({ id, tool: "file.read", arguments: { path } });
const READS = [{ text: "reading", calls: [read("r1")] }, { text: "done" }];

const policy = (whose: "etc" | "config", spec: JsonObject, name?: string) => writePolicy(lab, whose, spec, name);
const namesIn = (body: JsonObject | undefined): readonly unknown[] => layersIn(body).map(({ name }) => name);

describe("the policies of machine and user", () => {
  test("cap what a blueprint allows, are named where they deny, and stand in the journal with all that they say", async () => {
    await policy("etc", { ...everything, filesystem: { read: ["b.txt"], write: ["**"] } });
    await policy("config", { ...everything, filesystem: { read: ["**"], deny: ["a.*"] } }, "mine");
    const { state } = await lab.run(await lab.blueprint({ turns: READS }));
    expect(state).toBe("completed");
    expect(permissionOf(lab, "r1")).toEqual({
      allow: false,
      reason: "to read `a.txt` is denied",
      rule: 'user policy mine@1.0.0: filesystem.deny[0] "a.*"; machine policy limits@1.0.0: filesystem.read',
    });
    expect(namesIn(declaredIn(lab)[0])).toEqual([
      "blueprint lab@1.0.0",
      "machine policy limits@1.0.0",
      "policy policy@1.0.0",
      "user policy mine@1.0.0",
    ]);
    expect(layersIn(declaredIn(lab)[0])[1]).toMatchObject({
      digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
      grants: { filesystem: { read: ["b.txt"], write: ["**"], deny: [] } },
    });
    const kinds = lab.entries.map(({ kind }) => kind);
    expect(kinds.slice(0, 3)).toEqual(["input.start", "check.permission", "check.hooks"]);
  });

  test("keep runs from starting whose processes nothing that is left would confine", async () => {
    const turns = [{ text: "run", calls: [{ id: "p1", tool: "process.run", arguments: { argv: ["node", "-v"] } }] }];
    const blueprint = await lab.blueprint({ turns: [...turns, { text: "done" }] });
    await policy("etc", { ...everything, process: { ...everything.process, backends: ["bwrap"] } });
    await expect(lab.run(blueprint)).rejects.toMatchObject({ code: "no-backend-left", exit: EXIT.blocked });
    expect(await readdir(join(lab.env.stateDir, "runs"))).toEqual([]);
    await policy("etc", { ...everything, process: { ...everything.process, backends: ["unconfined"] } });
    expect(await lab.run(blueprint)).toMatchObject({ state: "completed", blocked: 0 });
  });

  test("keep every run from starting under a name that nobody reads", async () => {
    const blueprint = await lab.blueprint({ turns: READS });
    await policy("etc", everything);
    const folder = lab.env.configDirs[0] ?? "";
    await rename(join(folder, "policy.yaml"), join(folder, "policy.yml"));
    await expect(lab.run(blueprint)).rejects.toMatchObject({ code: "misnamed-policy", exit: EXIT.usage });
    await rename(join(folder, "policy.yml"), join(folder, "policy.yaml"));
    expect(await lab.run(blueprint)).toMatchObject({ state: "completed" });
  });

  test("are not read again by a replay", async () => {
    const file = await policy("etc", { ...everything, filesystem: { read: ["b.txt"] } });
    await lab.run(await lab.blueprint({ turns: READS }));
    await rm(file);
    expect(await lab.replay()).toMatchObject({ answer: "identical" });
    await writeFile(file, "broken: [");
    expect(await lab.replay()).toMatchObject({ answer: "identical" });
  });

  test("A13 say nothing to a run that goes on while they are edited, and hold for the next one", async () => {
    const turns = [{ text: "one", calls: [read("r1")] }, { text: "two", calls: [read("r2")] }, { text: "done" }];
    const blueprint = await lab.blueprint({ turns });
    const file = await policy("etc", everything);
    const onEntry = ({ kind, ...more }: Entry) => {
      lab.entries.push({ kind, ...more });
      if (kind === "input.tool") writeFileSync(file, policyText({}));
    };
    expect(await lab.run(blueprint, { onEntry })).toMatchObject({ state: "completed", blocked: 0 });
    expect(permissionOf(lab, "r2")).toMatchObject({ allow: true });
    expect(await lab.replay()).toMatchObject({ answer: "identical" });
    expect(await lab.run(blueprint)).toMatchObject({ blocked: 2 });
  });

  test("take tools from the agent that it is not even offered then", async () => {
    await policy("etc", { ...everything, tools: { ...everything.tools, deny: ["file.read"] } });
    await lab.run(await lab.blueprint({ turns: READS }));
    expect(permissionOf(lab, "r1")).toMatchObject({ rule: 'machine policy limits@1.0.0: tools.deny[0] "file.read"' });
    expect(await lab.replay()).toMatchObject({ answer: "identical" });
  });

  test("keep every run from starting when they are broken, with file, line and column", async () => {
    const file = await policy("etc", { filesystem: { read: ["/etc"] } });
    const blueprint = await lab.blueprint({ turns: READS });
    await expect(lab.run(blueprint)).rejects.toMatchObject({
      code: "invalid-file",
      exit: 2,
      message: expect.stringMatching(new RegExp(`^${file}:\\d+:\\d+ spec.filesystem.read\\[0\\]`)),
    });
    await writeFile(file, policyText({ trust: "everybody" }));
    await expect(lab.run(blueprint)).rejects.toMatchObject({ message: expect.stringContaining("unknown field") });
    await rm(file);
    await mkdir(file);
    await expect(lab.run(blueprint)).rejects.toMatchObject({ code: "file-not-safe" });
    expect(lab.entries).toEqual([]);
  });

  test("are refused when somebody else may change them or put others in their place", async () => {
    const blueprint = await lab.blueprint({ turns: READS });
    const file = await policy("config", everything);
    for (const [path, mode] of [
      [file, 0o664],
      [file, 0o646],
      [dirname(file), 0o777],
      [dirname(file), 0o775],
    ] as const) {
      await chmod(path, mode);
      await expect(lab.run(blueprint)).rejects.toMatchObject({
        code: "file-not-safe",
        message: expect.stringContaining(`others may write to \`${path}\``),
      });
      await chmod(path, path === file ? 0o644 : 0o755);
    }
    expect(await lab.run(blueprint)).toMatchObject({ state: "completed" });
  });

  test("H9 a policy that lies in a project or a workspace says nothing", async () => {
    for (const folder of [lab.root, lab.workspace, join(lab.root, "blueprint"), join(lab.workspace, "pinion")]) {
      await mkdir(folder, { recursive: true });
      await writeFile(join(folder, "policy.yaml"), policyText({}));
    }
    await rm(join(lab.root, "blueprint/policy.yaml"));
    const file = await lab.blueprint({ turns: READS });
    await lab.run(file);
    expect(permissionOf(lab, "r1")).toMatchObject({ allow: true });
    expect(namesIn(declaredIn(lab)[0])).toEqual(["blueprint lab@1.0.0", "policy policy@1.0.0"]);
  });
});

describe("the policy of one run", () => {
  test("narrows the run and its children", async () => {
    const given = join(lab.root, "careful.yaml");
    await writeFile(given, policyText({ ...everything, filesystem: { read: ["b.txt"] } }, "careful"));
    const spawn = { id: "s1", tool: "agent.spawn", arguments: { agent: "helper", goal: "read" } };
    const turns = [{ text: "asking", calls: [spawn, read("r1")] }, { text: "done" }];
    const file = await lab.blueprint({ turns, child: [{ text: "reading", calls: [read("c1")] }, { text: "read" }] });
    const { children, journal } = await lab.run(file, { policy: "careful.yaml" });
    expect(permissionOf(lab, "r1")).toMatchObject({ rule: "run policy careful@1.0.0: filesystem.read" });
    const child = await readFile(join(dirname(dirname(journal)), children[0] ?? "", "journal.jsonl"), "utf8");
    expect(child).toContain('"rule":"run policy careful@1.0.0: filesystem.read"');
    await rm(given);
    expect(await lab.replay()).toMatchObject({ answer: "identical" });
    expect(await lab.replay(join(lab.root, "out.child-1.jsonl"))).toMatchObject({ answer: "identical" });
  });

  test("widens nothing, whatever it says", async () => {
    const given = join(lab.root, "generous.yaml");
    await writeFile(given, policyText(everything, "generous"));
    await lab.file("secrets/key", "k");
    const turns = [{ text: "reading", calls: [read("r1", "secrets/key")] }, { text: "done" }];
    await lab.run(await lab.blueprint({ turns }), { policy: given });
    expect(permissionOf(lab, "r1")).toMatchObject({ allow: false });
  });

  test("is refused where there is none, or a broken one", async () => {
    const file = await lab.blueprint({ turns: READS });
    await expect(lab.run(file, { policy: "missing.yaml" })).rejects.toMatchObject({ code: "no-policy", exit: 2 });
    await writeFile(join(lab.root, "broken.yaml"), "kind: Policy\n");
    await expect(lab.run(file, { policy: "broken.yaml" })).rejects.toMatchObject({ code: "invalid-file" });
  });
});

describe("budgets", () => {
  test.each([
    ["steps", { steps: 1 }, "limit `steps` exceeded: 2 used, 1 allowed"],
    ["tokens", { tokens: 1 }, /^limit `tokens` exceeded: \d+ used, 1 allowed$/],
  ])("of `%s` end a run of which its blueprint would allow more", async (_, budgets, reason) => {
    await policy("etc", { ...everything, budgets });
    const { state, reason: found } = await lab.run(await lab.blueprint({ turns: READS }));
    expect(state).toBe("failed");
    expect(found).toMatch(reason);
    expect(declaredIn(lab)[0]?.limits).toMatchObject(budgets);
    expect(await lab.replay()).toMatchObject({ answer: "identical" });
  });

  test("of time, steps and children stand beside the blueprint's own limits, and the lower ones hold", async () => {
    const budgets = { stepMs: 4321, runMs: 9_000_000, steps: 3 };
    await policy("etc", { ...everything, budgets, spawn: { depth: 1, count: 0 } });
    await policy("config", { ...everything, budgets: { stepMs: 5000, tokens: 777 } }, "mine");
    const limits = { stepMs: 600_000, runMs: 8_000_000, tokens: 700, spawnCount: 1 };
    await lab.run(await lab.blueprint({ turns: READS, limits }));
    const least = {
      stepMs: 4321,
      runMs: 8_000_000,
      steps: 3,
      tokens: 700,
      toolCalls: 50,
      spawnDepth: 1,
      spawnCount: 0,
    };
    expect(declaredIn(lab)[0]?.limits).toEqual(least);
    expect(lab.boundaries("pre-plan")[0]?.payload).toMatchObject({ limits: least });
  });

  test("of tool calls refuse what is beyond, and never allow more than the blueprint does", async () => {
    await policy("etc", { ...everything, budgets: { toolCalls: 0, steps: 500, approvals: 3 } });
    await lab.run(await lab.blueprint({ turns: READS }));
    const refused = lab.entries.filter(({ kind }) => kind === "check.refused").map(({ body }) => body);
    expect(refused).toMatchObject([{ reason: "limit `toolCalls` allows 0" }]);
    expect(declaredIn(lab)[0]?.limits).toMatchObject({ toolCalls: 0, steps: 10, approvals: 3 });
  });
});
