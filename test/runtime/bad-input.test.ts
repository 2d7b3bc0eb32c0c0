import { existsSync, readdirSync } from "node:fs";
import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Lab, type LabBlueprint } from "../support/lab.ts";

let lab: Lab;
beforeEach(async () => {
  lab = await Lab.open();
});
afterEach(() => lab.close());

const PLAIN: LabBlueprint = { turns: [{ text: "done" }] };

const run = (file: string, more: readonly string[] = []) =>
  lab.finished("blueprint", ["run", file, "--goal", "try", "--workspace", lab.workspace, ...more]);

/** One clear error on stderr, nothing on stdout, no run begun. */
function refused(result: Awaited<ReturnType<typeof run>>, code: number, says: string): void {
  expect(result.stderr).toContain(says);
  expect(result.stderr).toMatch(/^error: /m);
  expect(result.stderr).not.toMatch(/^\s+at /m);
  expect(result).toMatchObject({ code, stdout: "" });
  const runs = join(lab.env.stateDir, "runs");
  expect(existsSync(runs) ? readdirSync(runs) : []).toEqual([]);
}

describe("before a run", () => {
  test("a file that is not a blueprint", async () => {
    await writeFile(join(lab.root, "x.yaml"), "kind: Deployment\nspec: 7\n");
    refused(await run("x.yaml"), 2, "x.yaml:1:7");
  });
  test("a file that is not there", async () => refused(await run("nowhere.yaml"), 2, "nowhere.yaml"));
  test("a workspace that does not exist", async () => {
    const file = await lab.blueprint(PLAIN);
    refused(await run(file, ["--workspace", join(lab.root, "nowhere")]), 2, "nowhere");
  });
  test("H9 a workspace that holds what Pinion keeps or is told, or would hold it", async () => {
    const file = await lab.blueprint(PLAIN);
    await mkdir(join(lab.root, "config"));
    await symlink("state", join(lab.root, "link"));
    for (const workspace of [
      "/",
      lab.root,
      join(lab.root, "link"),
      join(lab.root, "data/pinion"),
      join(lab.root, "config"),
    ]) {
      refused(await run(file, ["--workspace", workspace]), 2, "holds a folder of Pinion's own");
    }
    const keys = join(lab.root, "state/pinion/keys");
    await mkdir(keys, { recursive: true });
    refused(await run(file, ["--workspace", keys]), 2, "lies in a folder of Pinion's own");
  });
  test("a run that cannot begin, and leaves nothing that would be listed", async () => {
    const file = await lab.blueprint({ ...PLAIN, tools: ["process.run"] });
    await writeFile(join(lab.env.stateDir, "tmp"), "no folder");
    expect((await run(file)).code).not.toBe(0);
    expect(readdirSync(join(lab.env.stateDir, "runs"))).toEqual([]);
  });
  test("B15 a pin whose bytes changed", async () => {
    const file = await lab.blueprint(PLAIN);
    await writeFile(join(lab.root, "blueprint/policy.yaml"), "changed: true\n");
    refused(await run(file), 5, "the bytes of `policy@1.0.0` are not the pinned ones");
  });
  test("a hook that is missing", async () => {
    const file = await lab.blueprint(PLAIN);
    const text = await readFile(file, "utf8");
    const pin = `{ name: gone, version: "1.0.0", digest: "sha256:${"0".repeat(64)}", source: hooks/gone/hook.yaml }`;
    await writeFile(file, text.replace("hooks: []", `hooks: [${pin}]`));
    refused(await run(file), 2, "gone");
  });
  test("a recording that cannot be written", async () => {
    const file = await lab.blueprint(PLAIN);
    refused(await run(file, ["--record", join(lab.root, "no/such/folder/out.jsonl")]), 2, "no/such/folder");
  });
  test("a provider without a key", async () => {
    const file = await lab.blueprint(PLAIN);
    refused(await run(file, ["--model", "anthropic:claude-sonnet-4-5"]), 2, "ANTHROPIC_API_KEY");
  });
  test("a provider that does not exist", async () => {
    const file = await lab.blueprint(PLAIN);
    refused(await run(file, ["--model", "oracle:delphi"]), 2, "oracle");
  });
});

test("R24 a component for another world fails its hook, and every boundary that it guards is blocked", async () => {
  const component = (await import("@bytecodealliance/jco-transpile/wasm-tools")) as unknown as {
    parse(text: string): Promise<Uint8Array>;
  };
  const other = await component.parse(`(component (core module (func (export "f"))))`);
  const file = await lab.blueprint({
    ...PLAIN,
    hooks: [{ name: "foreign", component: other, role: "gate", phases: ["pre-plan"] }],
    chain: { "pre-plan": ["foreign"] },
  });
  const summary = await lab.run(file);
  expect(summary).toMatchObject({
    state: "paused",
    exit: 4,
    reason: expect.stringContaining("`foreign` failed (malformed)"),
  });
  expect(await lab.replay()).toMatchObject({ answer: "identical" });
});

test("a model that asks for a tool that does not exist is told, and the run goes on", async () => {
  const file = await lab.blueprint({
    turns: [{ text: "I try", calls: [{ id: "x", tool: "rocket.launch", arguments: {} }] }, { text: "${results.x}" }],
  });
  expect(await lab.run(file)).toMatchObject({
    state: "completed",
    result: expect.stringContaining("there is no tool `rocket.launch`"),
  });
});

describe("a recording", () => {
  test("that is cut is incomplete, one that is edited is damaged, something else is no recording", async () => {
    const file = await lab.blueprint(PLAIN);
    await lab.run(file);
    const whole = await readFile(join(lab.root, "out.jsonl"), "utf8");
    const lines = whole.split("\n");

    await writeFile(join(lab.root, "cut.jsonl"), `${lines.slice(0, 7).join("\n")}\n`);
    const cut = await lab.finished("harness", ["replay", "cut.jsonl"]);
    expect(cut).toMatchObject({ code: 3, stdout: expect.stringContaining("incomplete") });

    await writeFile(join(lab.root, "edited.jsonl"), whole.replace('"decision":"allow"', '"decision":"block"'));
    const edited = await lab.finished("harness", ["replay", "edited.jsonl"]);
    expect(edited).toMatchObject({ code: 5, stdout: expect.stringContaining("damaged") });

    await writeFile(join(lab.root, "other.jsonl"), "once upon a time\n");
    const other = await lab.finished("harness", ["replay", "other.jsonl"]);
    expect(other.code).toBe(2);
    expect(other.stderr).toContain("other.jsonl");
  });

  // Made by kernel version 1, which knew no fuel, and 2, whose limits of time went by the wall clock.
  test.each(["kernel-1", "kernel-2", "kernel-3"])(
    "D9 of another kernel version is not replayed, and still shown: %s",
    async (name) => {
      const older = new URL(`../vectors/${name}.jsonl`, import.meta.url).pathname;
      const replayed = await lab.finished("harness", ["replay", older]);
      expect(replayed).toMatchObject({ code: 2, stderr: expect.stringContaining("kernel version") });
      expect(await lab.finished("harness", ["show", older])).toMatchObject({ code: 0 });
      expect(await lab.finished("pinion", ["journal", "verify", older])).toMatchObject({ code: 0 });
    },
  );
});
