import { existsSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { JsonObject } from "../../../src/model/json.ts";
import { Lab, type LabBlueprint, scriptedHook } from "../../support/lab.ts";
import { everything, writePolicy } from "../../support/policies.ts";

let lab: Lab;
beforeEach(async () => {
  lab = await Lab.open();
  await lab.file("app/a.txt", "content of a");
  await lab.file("app-backup/b.txt", "content of b");
});
afterEach(() => lab.close());

const call = (id: string, tool: string, given: JsonObject) => ({ id, tool, arguments: given });
const ALL = { filesystem: { read: ["**"], write: ["**"] } };

/** Runs the calls, one after the other, under a machine's policy, and replays the run without it. */
async function decisions(policy: JsonObject, calls: readonly JsonObject[], parts: Partial<LabBlueprint> = {}) {
  const file = await writePolicy(lab, "etc", { ...everything, ...policy });
  const turns = [{ text: "calling", calls: [...calls] }, { text: "done" }];
  const summary = await lab.run(await lab.blueprint({ turns, execution: ALL, ...parts }));
  await rm(file);
  expect(await lab.replay()).toMatchObject({ answer: "identical" });
  const permissions = lab.boundaries("pre-tool").map(({ subject, permission }) => {
    const { allow, rule } = permission as JsonObject;
    return [String(subject).split(" ")[0], allow === true ? "allowed" : String(rule)] as const;
  });
  return { summary, permissions: Object.fromEntries(permissions) };
}

describe("the machine's policy over the tools of a run", () => {
  test("C8 a policy for `app` says nothing of `app-backup`", async () => {
    const { permissions } = await decisions({ filesystem: { read: ["app/**"], write: ["app/**"] } }, [
      call("in", "file.read", { path: "app/a.txt" }),
      call("beside", "file.read", { path: "app-backup/b.txt" }),
      call("copy", "file.write", { path: "app-backup/c.txt", content: "x" }),
    ]);
    expect(permissions).toEqual({
      in: "allowed",
      beside: "machine policy limits@1.0.0: filesystem.read",
      copy: "machine policy limits@1.0.0: filesystem.write",
    });
  });

  test("A12 a command is denied by the name that it really has, and so is a script for a denied interpreter", async () => {
    const execution = { ...ALL, process: { allow: [["**"]] } };
    const { permissions, summary } = await decisions(
      {
        process: {
          allow: [["**"]],
          deny: [
            ["node", "--version"],
            ["bash", "**"],
          ],
          network: "host",
        },
      },
      [
        call("plain", "process.run", { argv: ["node", "--version"] }),
        call("other", "process.run", { argv: ["node", "--help"] }),
        // Debian's `ldd` is a script with `#!/bin/bash`.
        call("script", "process.run", { argv: ["ldd", "--version"] }),
        call("path", "process.run", { argv: ["/bin/bash", "-c", "true"] }),
      ],
      { execution },
    );
    expect(permissions).toEqual({
      plain: 'machine policy limits@1.0.0: process.deny[0] ["node","--version"]',
      other: "allowed",
      script: 'machine policy limits@1.0.0: process.deny[1] ["bash","**"]',
      path: 'machine policy limits@1.0.0: process.deny[1] ["bash","**"]',
    });
    expect(summary.state).toBe("completed");
  });

  test("A12 a script needs the approval that its interpreter needs", async () => {
    const approvals = [{ name: "shells", tools: ["process.run"], when: { argv: [["bash", "**"]] } }];
    const execution = { ...ALL, process: { allow: [["**"]] } };
    const ldd = call("script", "process.run", { argv: ["ldd", "--version"] });
    const { summary } = await decisions({ approvals }, [ldd], { execution });
    expect(summary).toMatchObject({
      state: "paused",
      reason: expect.stringContaining("machine policy limits@1.0.0: approvals.shells"),
    });
    expect(await lab.finished("harness", ["verify", join(lab.root, "out.jsonl")])).toMatchObject({ stderr: "" });
  });

  test("A12 what the policy says of files holds for what commands see and change", async () => {
    await lab.file("keys/k.txt", "a key");
    const execution = { ...ALL, backend: ["bwrap"], process: { allow: [["**"]] } };
    const sh = (id: string, script: string) => call(id, "process.run", { argv: ["sh", "-c", script] });
    await decisions(
      { filesystem: { read: ["**"], write: ["out/**", "app/**"], deny: ["keys"] } },
      [sh("write", "echo x | tee app/new.txt app-backup/new.txt"), sh("read", "cat keys/k.txt > app/stolen.txt")],
      { execution },
    );
    expect(await readFile(join(lab.workspace, "app/new.txt"), "utf8")).toBe("x\n");
    expect(existsSync(join(lab.workspace, "app-backup/new.txt"))).toBe(false);
    expect(await readFile(join(lab.workspace, "app/stolen.txt"), "utf8")).toBe("");
  });

  test("domains are judged before anything is looked up, in whatever way they are written", async () => {
    const tools = { taxa: ["network"], allow: ["*"] };
    const { permissions } = await decisions(
      { tools, network: { domains: ["*"], deny: ["denied.example"] } },
      [
        call("plain", "http.fetch", { url: "https://denied.example/" }),
        call("dotted", "http.fetch", { url: "https://DENIED.example./" }),
        call("address", "http.fetch", { url: "https://0x7f.1/" }),
      ],
      { tools: ["http.fetch"], taxa: ["network"], execution: { ...ALL, network: { domains: ["denied.example"] } } },
    );
    const denied = 'machine policy limits@1.0.0: network.deny[0] "denied.example"';
    expect(permissions.plain).toBe(denied);
    expect(permissions.dotted).toContain(denied);
    expect(permissions.address).toContain("machine policy limits@1.0.0: network.domains");
  });

  test("a process has the network of the strictest layer", async () => {
    const execution = { ...ALL, process: { allow: [["true"]], network: "host" } };
    const run = call("run", "process.run", { argv: ["true"] });
    await decisions({ process: { allow: [["**"]], network: "none" } }, [run], { execution });
    expect(lab.boundaries("pre-tool")).toMatchObject([{ payload: { resolution: { network: "none" } } }]);
  });
});

describe("C1 a child under the machine's policy", () => {
  const spawn = call("s", "agent.spawn", { agent: "helper", goal: "help" });
  const child = [{ text: "reading", calls: [call("c", "file.read", { path: "app/a.txt" })] }, { text: "done" }];

  test("is bound by the policies around its parent and by its parent, whatever its own blueprint allows", async () => {
    const { summary } = await decisions(
      { filesystem: { read: ["**"], deny: ["app"] }, budgets: { steps: 9 } },
      [spawn],
      { child, childExecution: ALL },
    );
    const journal = join(lab.env.stateDir, "runs", summary.children[0] ?? "", "journal.jsonl");
    const text = await readFile(journal, "utf8");
    expect(text).toContain('"rule":"machine policy limits@1.0.0: filesystem.deny[0] \\"app\\""');
    expect(text).toMatch(/"limits":\{[^}]*"steps":9/);
    expect(await lab.replay(join(lab.root, "out.child-1.jsonl"))).toMatchObject({ answer: "identical" });
  });

  test("is not begun where the policy allows no children", async () => {
    const { permissions, summary } = await decisions({ spawn: { depth: 0, count: 4 } }, [spawn], { child });
    expect(permissions.s).toBe("machine policy limits@1.0.0: spawn.depth 0");
    expect(summary.children).toEqual([]);
  });
});

describe("a hook with grants", () => {
  const FILES = [{ name: "app", path: "app", actions: ["read", "write"] }];
  const AUTHORITY = { tools: ["file.read", "file.write"], files: FILES };
  const CODE = `
    if (JSON.parse(payload).step !== 1) return allow("nothing");
    const said = (work) => { try { return { ok: work() ?? null }; } catch (error) { return { error: error.message ?? String(error) }; } };
    const root = files.openRoot("app");
    const tool = (name, given) => said(() => host.requestToolCall(name, JSON.stringify(given)));
    return allow(JSON.stringify({
      read: said(() => files.read(root, "a.txt", 0, 100).length),
      write: said(() => files.write(root, "new.txt", new Uint8Array(1))),
      call: tool("file.read", { path: "app/a.txt" }),
      change: tool("file.write", { path: "app/new.txt", content: "x" }),
    }));`;

  async function said(policy: JsonObject): Promise<JsonObject> {
    const hook = await scriptedHook(CODE, { name: "asker", phases: ["pre-plan"], authority: AUTHORITY });
    const parts = { hooks: [hook], chain: { "pre-plan": ["asker"] }, grants: { asker: AUTHORITY } };
    await decisions(policy, [], { ...parts, turns: [{ text: "done" }] });
    return JSON.parse(lab.rationales("pre-plan")[0] ?? "null") as JsonObject;
  }

  test("A12 may do through files and tools what the run may do, and no more", async () => {
    const denied = await said({ filesystem: { read: ["app-backup/**"], write: ["**"], deny: ["app/new.txt"] } });
    expect(JSON.stringify(denied.read)).toContain("machine policy limits@1.0.0: filesystem.read");
    expect(JSON.stringify(denied.write)).toContain("machine policy limits@1.0.0: filesystem.deny[0]");
    expect(JSON.stringify(denied.call)).toContain("machine policy limits@1.0.0: filesystem.read");
    expect(JSON.stringify(denied.change)).toContain("machine policy limits@1.0.0: filesystem.deny[0]");
    expect(existsSync(join(lab.workspace, "app/new.txt"))).toBe(false);
  });

  test("has no tool that the policy takes from the run", async () => {
    const denied = await said({ tools: { ...everything.tools, deny: ["file.write"] } });
    expect(denied).toMatchObject({ read: { ok: 12 }, write: { ok: null } });
    expect(JSON.stringify(denied.change)).toContain('machine policy limits@1.0.0: tools.deny[0] \\"file.write\\"');
    expect(JSON.stringify(denied.call)).toContain("content of a");
  });
});
