import { chmod, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Lab } from "../support/lab.ts";
import { everything, policyText, writePolicy } from "../support/policies.ts";

let lab: Lab;
let blueprint: string;
beforeAll(async () => {
  lab = await Lab.open();
  await lab.file("a.txt", "content of a");
  const calls = [{ id: "r1", tool: "file.read", arguments: { path: "a.txt" } }];
  blueprint = await lab.blueprint({ turns: [{ text: "reading", calls }, { text: "done" }] });
  await writePolicy(lab, "config", { ...everything, filesystem: { read: ["**"], deny: ["a.*"] } }, "mine");
});
afterAll(() => lab.close());

const policy = (...args: string[]) => lab.finished("pinion", ["policy", ...args]);
const explain = (of: string, tool: string, given: object, ...more: string[]) =>
  policy("explain", of, "--tool", tool, "--arguments", JSON.stringify(given), ...more);

describe("pinion policy explain", () => {
  test("says which rule of which layer denies, what each layer says, and exits with 4", async () => {
    const { code, stdout } = await explain(blueprint, "file.read", { path: "a.txt" });
    expect(stdout.split("\n")).toEqual([
      "denied: to read `a.txt` is denied",
      '  by user policy mine@1.0.0: filesystem.deny[0] "a.*"',
      "layers of blueprint lab@1.0.0, for file.read (workspace)",
      '  ✓  blueprint lab@1.0.0     filesystem.read[0] "**"',
      '  ✓  policy policy@1.0.0     filesystem.read[0] "**"',
      '  ✗  user policy mine@1.0.0  filesystem.deny[0] "a.*"',
      "names     nothing was looked up; give --workspace",
      "",
    ]);
    expect(code).toBe(4);
  });

  test("looks up what the call names in a workspace, and changes nothing there", async () => {
    const given = join(lab.root, "arguments.json");
    await writeFile(given, JSON.stringify({ path: "out/new.txt", content: "x" }));
    const args = ["explain", blueprint, "--tool", "file.write", "--arguments", given, "--workspace", lab.workspace];
    const { code, stdout } = await policy(...args, "--json");
    expect(code).toBe(4);
    const explained = JSON.parse(stdout) as Record<string, unknown>;
    expect(explained).toMatchObject({
      of: "blueprint lab@1.0.0",
      taxon: "workspace",
      allow: false,
      rule: "user policy mine@1.0.0: filesystem.write",
      layers: [{ allow: true }, { allow: true }, { layer: "user policy mine@1.0.0", allow: false }],
      resolution: { problem: { code: "denied" } },
    });
  });

  test("A12 looks up what a command is: a script is denied with its interpreter", async () => {
    const execution = { process: { allow: [["**"]] } };
    const open = await lab.blueprint({ turns: [{ text: "done" }], execution }, "open");
    const process = { allow: [["**"]], deny: [["bash", "**"]] };
    await writeFile(join(lab.root, "no-bash.yaml"), policyText({ ...everything, process }, "no-bash"));
    // Debian's `ldd` is a script with `#!/bin/bash`.
    const asked = ["process.run", { argv: ["ldd", "--version"] }, "--policy", "no-bash.yaml"] as const;
    expect(await explain(open, ...asked)).toMatchObject({ code: 0 });
    const { code, stdout } = await explain(open, ...asked, "--workspace", lab.workspace);
    expect(stdout).toContain('by run policy no-bash@1.0.0: process.deny[0] ["bash","**"]');
    expect(stdout).not.toContain('"backend"');
    expect(code).toBe(4);
  });

  test("says which leases the agent would need, and who says so", async () => {
    const spec = { ...everything, leases: { require: ["fs"] } };
    await writeFile(join(lab.root, "leased.yaml"), policyText(spec, "leased"));
    const given = { path: "b.txt" };
    const { stdout } = await explain(blueprint, "file.read", given, "--policy", "leased.yaml");
    expect(stdout).toContain("lease     capability://fs/workspace/b.txt?action=read, by run policy leased@1.0.0\n");
    expect((await explain(blueprint, "file.read", given)).stdout).not.toContain("lease");
  });

  test("A7 says which rules want a person's approval for the call, and whose", async () => {
    const approvals = [
      {
        name: "versions",
        tools: ["process.run"],
        when: { argv: [["node", "--version"]] },
        approvers: { users: ["alice"] },
      },
      { name: "processes", taxa: ["process"] },
      { name: "others", tools: ["process.run"], when: { argv: [["git", "**"]] } },
    ];
    await writeFile(join(lab.root, "asked.yaml"), policyText({ ...everything, approvals }, "asked"));
    const asked = { argv: ["node", "--version"] };
    const { code, stdout } = await explain(blueprint, "process.run", asked, "--policy", "asked.yaml");
    expect(stdout.split("\n").filter((line) => line.startsWith("approval"))).toEqual([
      "approval  by alice: run policy asked@1.0.0: approvals.versions",
      "approval  by a person: run policy asked@1.0.0: approvals.processes",
    ]);
    expect(code).toBe(0);
  });

  test("X1 says which secrets go with a call, by name, and which layer keeps one back", async () => {
    const secrets = { token: { tools: ["process.run"], optional: true } };
    const uses = { "process.run": [{ name: "token", as: "environment", variable: "TOKEN", argv: [["node", "*"]] }] };
    const file = await lab.blueprint({ turns: [{ text: "done" }], secrets, uses }, "secret");
    const asked = ["process.run", { argv: ["node", "--version"] }] as const;
    const { stdout } = await explain(file, ...asked);
    expect(stdout).toContain("secret    token, as environment TOKEN\n");
    await writeFile(join(lab.root, "none.yaml"), policyText({ ...everything, secrets: { allow: [] } }, "none"));
    const denied = await explain(file, ...asked, "--policy", "none.yaml");
    expect(denied.stdout).toContain("by run policy none@1.0.0: secrets.allow");
    expect(denied.stdout).toContain("secret    token, as environment TOKEN: denied\n");
    expect(denied.code).toBe(4);
  });

  test("takes a policy that is given for the run", async () => {
    await writeFile(join(lab.root, "given.yaml"), policyText({ ...everything, process: { allow: [] } }, "given"));
    const asked = { argv: ["node", "--version"] };
    expect((await explain(blueprint, "process.run", asked)).stdout).toContain("allowed: to run");
    const { code, stdout } = await explain(blueprint, "process.run", asked, "--policy", "given.yaml");
    expect(stdout).toContain("by run policy given@1.0.0: process.allow");
    expect(code).toBe(4);
  });

  test("of a run says what held for it, whatever the policies say by now", async () => {
    const ran = await lab.finished("blueprint", [
      "run",
      blueprint,
      "--goal",
      "g",
      "--workspace",
      lab.workspace,
      "--json",
    ]);
    const { run } = JSON.parse(ran.stdout) as { run: string };
    const file = join(lab.root, "config/pinion/policy.yaml");
    const text = policyText({ ...everything, filesystem: { read: ["**"], deny: ["a.*"] } }, "mine");
    await rm(file);
    try {
      const { code, stdout } = await explain(run, "file.read", { path: "a.txt" });
      expect(stdout).toContain('by user policy mine@1.0.0: filesystem.deny[0] "a.*"');
      expect(stdout).toContain(`layers of run ${run}`);
      expect(code).toBe(4);
      expect(await explain(blueprint, "file.read", { path: "a.txt" })).toMatchObject({ code: 0 });
      expect((await policy("show", run)).stdout).toContain("user policy mine@1.0.0  sha256:");
      expect(await explain(run, "file.read", { path: "a.txt" }, "--policy", "given.yaml")).toMatchObject({
        code: 2,
        stderr: expect.stringContaining("its policies were settled when it started"),
      });
    } finally {
      await writeFile(file, text);
    }
  });

  test.each([
    ["file.raed", { path: "a" }, "there is no tool `file.raed`"],
    ["file.read", { paht: "a" }, "the arguments do not fit `file.read`"],
  ])("refuses what no run would be asked: `%s` with %j", async (tool, given, told) => {
    expect(await explain(blueprint, tool, given)).toMatchObject({ code: 2, stderr: expect.stringContaining(told) });
  });

  test("refuses arguments that are no JSON object", async () => {
    for (const given of ["[]", "{", "missing.json"]) {
      const args = ["explain", blueprint, "--tool", "file.read", "--arguments", given];
      expect(await policy(...args)).toMatchObject({ code: 2, stderr: expect.stringContaining("`--arguments` is") });
    }
  });
});

describe("the other commands", () => {
  test("`doctor` names the policies that hold on this machine, and fails where one cannot be used", async () => {
    const found = async () => {
      const { code, stdout } = await lab.finished("pinion", ["doctor", "--json"]);
      const { checks } = JSON.parse(stdout) as { checks: { name: string; ok: boolean; found: string }[] };
      return { code, ...checks.find(({ name }) => name === "policies") };
    };
    expect(await found()).toMatchObject({ ok: true, found: expect.stringContaining("user policy mine@1.0.0") });
    const file = join(lab.root, "config/pinion/policy.yaml");
    await chmod(file, 0o666);
    expect(await found()).toMatchObject({ code: 1, ok: false, found: expect.stringContaining("others may write to") });
    await chmod(file, 0o644);
  });

  test("`run status` says which limits hold", async () => {
    await writeFile(
      join(lab.root, "brief.yaml"),
      policyText({ ...everything, budgets: { steps: 4, approvals: 2 } }, "brief"),
    );
    const args = ["run", blueprint, "--goal", "g", "--workspace", lab.workspace, "--policy", "brief.yaml", "--json"];
    const { run } = JSON.parse((await lab.finished("blueprint", args)).stdout) as { run: string };
    const { stdout } = await lab.finished("pinion", ["run", "status", run, "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({ limits: { steps: 4, approvals: 2, toolCalls: 50 } });
  });
});

describe("pinion policy show", () => {
  test("shows what all layers allow together, and each of them with its digest", async () => {
    const { code, stdout } = await policy("show", blueprint, "--json");
    const shown = JSON.parse(stdout) as { layers: { name: string; digest: string }[] };
    expect(code).toBe(0);
    expect(shown.layers.map(({ name }) => name)).toEqual([
      "blueprint lab@1.0.0",
      "policy policy@1.0.0",
      "user policy mine@1.0.0",
    ]);
    for (const { digest } of shown.layers) expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(shown).toMatchObject({
      effective: {
        read: ["**"],
        write: [],
        processes: [["node", "*"]],
        processNetwork: "none",
        limits: { steps: 10, spawnCount: 1 },
      },
      denied: { files: ["secrets/**", "a.*"] },
    });
    const text = (await policy("show", blueprint)).stdout;
    expect(text).toContain("  run                   node *");
    expect(text).not.toContain("\u001b");
  });
});

describe("pinion policy check", () => {
  const checked = async (text: string) => {
    const file = join(lab.root, "checked.yaml");
    await writeFile(file, text);
    return { file, ...(await policy("check", file)) };
  };

  test("says of every fault where it is, and exits with 2", async () => {
    const { file, code, stdout } = await checked(policyText({ process: { allow: ["rm"] }, tool: {} }));
    expect(code).toBe(2);
    expect(stdout).toContain(`${file}:9:9 spec.process.allow[0]: expected a list`);
    expect(stdout).toContain("spec.tool: unknown field; did you mean `tools`?");
  });

  test("C1 reads the capabilities of a policy as a run would", async () => {
    const leases = { grant: ["capability://fs/workspace/**?action=read", "capability://fs/workspace/a?action=eat"] };
    const { file, code, stdout } = await checked(policyText({ leases }));
    expect(stdout).toContain(`${file}:10:9 spec.leases.grant[1]: `);
    expect(code).toBe(2);
  });

  test("A7 A12 warns, with the place, of what lets other commands and tools do the same", async () => {
    const spec = { ...everything, process: { allow: [["sh", "-c", "*"]], deny: [["rm", "**"]] } };
    const { file, code, stdout } = await checked(policyText(spec));
    expect(code).toBe(0);
    expect(stdout).toContain("policy limits@1.0.0: 2 warnings");
    expect(stdout).toContain(`${file}:14:9 allows more than it says: \`sh\` is a shell`);
    expect(stdout).toContain('can be passed by: ["sh","-c","*"] is allowed, and may start it');
  });

  test("has nothing to object to in a narrow policy", async () => {
    const tools = { taxa: ["workspace"], allow: ["file.read"] };
    const { code, stdout } = await checked(policyText({ filesystem: { read: ["src/**"] }, tools }));
    expect(stdout).toBe("policy limits@1.0.0: nothing to object to\n");
    expect(code).toBe(0);
  });

  test("refuses a file that is not there", async () => {
    expect(await policy("check", "missing.yaml")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("there is no policy"),
    });
  });
});
