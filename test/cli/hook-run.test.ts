import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { digestOf } from "../../src/model/canonical.ts";
import type { Json, JsonObject } from "../../src/model/json.ts";
import { buildPuppet } from "../support/guests.ts";
import { Lab } from "../support/lab.ts";

const PHASES = ["pre-plan", "pre-tool", "audit"];
const common = {
  agent: { name: "a", version: "1.0.0", blueprint: digestOf("") },
  step: 1,
  usage: { steps: 1, inputTokens: 0, outputTokens: 0, toolCalls: 0, spawned: 0, elapsedMs: 0 },
};
const call = {
  id: "c",
  tool: "file.read",
  taxon: "workspace",
  readOnly: true,
  idempotency: "idempotent",
  origin: "model",
};
const pretool = { ...common, call: { ...call, arguments: {} }, resolution: {} };

let lab: Lab;
beforeAll(async () => {
  lab = await Lab.open();
  const bytes = await buildPuppet();
  for (const [folder, role, phases] of [
    ["puppet", "gate", ["pre-tool", "pre-plan"]],
    ["shaper", "transformer", PHASES],
  ] as const) {
    mkdirSync(join(lab.root, folder));
    writeFileSync(join(lab.root, folder, "puppet.wasm"), bytes);
    const files = [{ name: "work", path: ".", actions: ["read"] }];
    const manifest = {
      apiVersion: "pinion.dev/v1",
      kind: "Hook",
      metadata: { name: folder, version: "1.0.0" },
      spec: {
        world: "pinion:hook/hook@1.0.0",
        component: { file: "puppet.wasm", digest: digestOf(bytes) },
        role,
        phases,
        config: { type: "object", required: ["does"], properties: { does: { type: "string" } } },
        limits: { deadlineMs: 5000, hostcalls: 20, fuel: 50_000_000 },
        authority: { tools: ["file.read"], files },
      },
    };
    writeFileSync(join(lab.root, folder, "hook.yaml"), stringify(manifest));
  }
  writeFileSync(join(lab.root, "pre-tool.json"), JSON.stringify(pretool, null, 2));
  mkdirSync(join(lab.root, "ws"));
  writeFileSync(join(lab.root, "ws/note.txt"), "hello");
});

/** Asks the puppet to do something. */
async function run(
  does: string,
  more: { readonly folder?: string; readonly input?: JsonObject; readonly args?: readonly string[] } = {},
) {
  const { folder = "puppet", input, args = [] } = more;
  writeFileSync(join(lab.root, "config.yaml"), stringify({ does }));
  if (input !== undefined) writeFileSync(join(lab.root, "input.json"), JSON.stringify(input));
  const file = input === undefined ? "pre-tool.json" : "input.json";
  const given = ["--phase", "pre-tool", "--input", file, "--config", "config.yaml", ...args];
  return lab.finished("hook", ["run", folder, ...given]);
}

async function json(does: string, more: Parameters<typeof run>[1] = {}) {
  const { code, stdout } = await run(does, { ...more, args: ["--json", ...(more?.args ?? [])] });
  return { code, ...(JSON.parse(stdout) as JsonObject & { readonly rationale: string; readonly calls: Json }) };
}

/** What the puppet is asked for one of its hostcalls, and what it got. */
async function hostcall(name: string, values: readonly unknown[], args: readonly string[] = []) {
  // The puppet takes any text for its payload; a payload of the phase it must be here, so it stands in the arguments of the call.
  const source = { ...pretool, call: { ...pretool.call, arguments: { name, values } as never } };
  return json("calls what its payload names", { input: source as unknown as JsonObject, args });
}

describe("hook run", () => {
  it("prints the verdict and the fuel, and exits with 0 for an allow and 4 for a block", async () => {
    const allowed = await run("allows");
    expect(allowed).toMatchObject({ code: 0, stderr: "" });
    expect(allowed.stdout).toMatch(/^allow: fine\n {2}fuel {2}\d+ {2}of 50000000\n$/);
    expect(await run("blocks")).toMatchObject({ code: 4, stdout: expect.stringMatching(/^block: not today\n/) });
  });

  it("prints all that the hook did, and refuses a capsule that does not fit as a run would", async () => {
    expect(await json("uses every buffered hostcall")).toMatchObject({
      code: 4,
      decision: "failed",
      cause: "malformed",
      rationale: expect.stringMatching(/^capsule `risk`: /),
      events: [{ kind: "seen", data: { phase: "pre-tool" } }],
      capsules: [],
      approvals: [{ why: "to be sure" }],
      calls: expect.arrayContaining([{ call: "emit-event" }, { call: "random:4" }]),
      exit: 4,
    });
  });

  it("exits with 6 when the hook demands an approval", async () => {
    expect(await hostcall("requestApproval", ['{"why":"to be sure"}'])).toMatchObject({
      code: 6,
      decision: "allow",
      approvals: [{ why: "to be sure" }],
    });
  });

  it("gives the same random bytes and the same fuel again", async () => {
    const [one, other] = [await hostcall("random", [4]), await hostcall("random", [4])];
    expect(one.rationale).toMatch(/^\d+,\d+,\d+,\d+$/);
    expect(other).toEqual(one);
  });

  it.each([
    ["throws an error", "error", "broken"],
    ["traps", "trap", ""],
    ["never returns", "limit", "`fuel`: allowed 50000000"],
    ["floods with hostcalls", "limit", "`hostcalls`: allowed 20"],
    ["transforms without a payload", "malformed", "the role `gate` may not answer `transform`"],
  ])("a hook that %s has failed: exit code 4", async (does, cause, detail) => {
    const { code, stdout } = await run(does);
    expect(code).toBe(4);
    expect(stdout).toMatch(new RegExp(`^failed \\(${cause}\\): `));
    expect(stdout).toContain(detail);
  });

  it("checks what a transformer returns against the schema of the phase", async () => {
    const found = await json("returns the payload with a mark", { folder: "shaper" });
    expect(found).toMatchObject({ code: 4, decision: "failed", cause: "malformed" });
    expect(found.rationale).toContain("its payload is refused");
  });

  it("takes the payload from standard input", async () => {
    const { spawnSync } = await import("node:child_process");
    writeFileSync(join(lab.root, "config.yaml"), "does: allows");
    const bin = new URL("../../bin/hook.mjs", import.meta.url).pathname;
    const args = [bin, "run", "puppet", "--phase", "pre-tool", "--input", "-", "--config", "config.yaml"];
    const input = readFileSync(join(lab.root, "pre-tool.json"));
    const { stdout } = spawnSync(process.execPath, args, {
      cwd: lab.root,
      env: lab.variables,
      input,
      encoding: "utf8",
    });
    expect(stdout).toMatch(/^allow: fine/);
  });

  it.each([
    ["a device", "/dev/zero"],
    ["a large file", "large.json"],
    ["what follows from standard input", "-"],
  ])("reads no more of %s than a payload may have", async (_, file) => {
    const { spawnSync } = await import("node:child_process");
    writeFileSync(join(lab.root, "large.json"), " ".repeat(2 ** 20 + 1));
    const bin = new URL("../../bin/hook.mjs", import.meta.url).pathname;
    for (const option of ["--input", "--config"]) {
      const given = { "--input": "pre-tool.json", "--config": "config.yaml", [option]: file };
      const args = [bin, "run", "puppet", "--phase", "pre-tool", ...Object.entries(given).flat()];
      const zeros = openSync("/dev/zero", "r");
      const { status, stderr } = spawnSync(process.execPath, args, {
        cwd: lab.root,
        env: lab.variables,
        stdio: [zeros, "ignore", "pipe"],
        encoding: "utf8",
        timeout: 60_000,
      });
      closeSync(zeros);
      const name = file === "-" ? "standard input" : `\`${file}\``;
      expect({ status, stderr }).toEqual({
        status: 2,
        stderr: `error: ${name} has more than 1048576 bytes, which is the limit\n`,
      });
    }
  });

  it("says where the input is no payload of the phase", async () => {
    const { call: _, ...without } = pretool;
    expect(await run("allows", { input: without as unknown as JsonObject })).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^error: input\.json:1:1 this is no payload of `pre-tool`: missing field `call`\n/),
    });
    const wrong = { ...pretool, call: { ...pretool.call, taxon: "magic" } };
    expect((await run("allows", { input: wrong as unknown as JsonObject })).stderr).toMatch(
      /^error: input\.json:1:\d+ this is no payload of `pre-tool`: call\.taxon: must be equal to one of the allowed values: pure, workspace/,
    );
    expect((await run("allows", { input: { ...pretool, more: 1 } as unknown as JsonObject })).stderr).toContain(
      "unknown field `more`",
    );
  });

  it("says what is wrong with the command line and its files", async () => {
    const args = (...rest: string[]) => lab.finished("hook", ["run", "puppet", ...rest]);
    const config = ["--config", "config.yaml"];
    expect((await args("--phase", "pre-lunch", "--input", "pre-tool.json", ...config)).stderr).toContain(
      "there is no phase `pre-lunch`",
    );
    expect((await args("--phase", "audit", "--input", "pre-tool.json", ...config)).stderr).toContain(
      "the hook `puppet` is not asked at `audit`: its manifest lists pre-tool, pre-plan",
    );
    expect((await args("--phase", "pre-tool", "--input", "none.json", ...config)).stderr).toContain(
      "`none.json` does not exist",
    );
    expect(await args("--phase", "pre-tool", "--input", "pre-tool.json")).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/the configuration does not fit `puppet`: missing field `does`\n {2}give one with/),
    });
    expect(
      (await args("--phase", "pre-tool", "--input", "pre-tool.json", ...config, "--workspace", "none")).stderr,
    ).toContain("the workspace `none` is no folder");
  });

  it("does not use a component that is not the one of its manifest: exit code 5", async () => {
    const file = join(lab.root, "shaper/puppet.wasm");
    const bytes = readFileSync(file);
    writeFileSync(file, Buffer.concat([bytes, Buffer.alloc(1)]));
    const { code, stderr } = await run("allows", { folder: "shaper" });
    writeFileSync(file, bytes);
    expect(code).toBe(5);
    expect(stderr).toContain("is not the component that");
    expect(stderr).toContain("`hook build` builds it again");
  });

  describe("hostcalls that go into the world", () => {
    it("denies files without a workspace, and tools always", async () => {
      expect((await hostcall("openRoot", ["work"])).calls).toEqual([
        { call: "files.open-root", answer: "denied: this hook has no grant for a directory of that name" },
      ]);
      expect((await hostcall("requestToolCall", ["file.read", "{}"], ["--workspace", "ws"])).calls).toEqual([
        { call: "request-tool-call", answer: expect.stringMatching(/^denied: /) },
      ]);
    });

    it("opens what the manifest asks for below the workspace", async () => {
      expect((await hostcall("openRoot", ["work"], ["--workspace", "ws"])).calls).toEqual([
        { call: "files.open-root", answer: "ok" },
      ]);
    });
  });
});
