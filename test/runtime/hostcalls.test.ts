import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { isJsonObject, type JsonObject } from "../../src/model/json.ts";
import { Lab, type LabBlueprint, type LabHook, scriptedHook } from "../support/lab.ts";

let lab: Lab;
beforeEach(async () => {
  lab = await Lab.open();
  await lab.file("a.txt", "content of a");
});
afterEach(() => lab.close());

const FILES = [{ name: "notes", path: "out", actions: ["read", "write"] }];
const AUTHORITY = { tools: ["file.read"], files: FILES };

/** A gate at pre-plan that does something on its first step and says what came of it. */
function asking(statements: string, more: Partial<LabHook> = {}): Promise<LabHook> {
  const code = `
    if (phase !== "pre-plan" || JSON.parse(payload).step !== 1) return allow("nothing to ask");
    const said = (work) => { try { return { ok: work() }; } catch (error) { return { error: error.message ?? String(error) }; } };
    const show = (_, value) => typeof value === "bigint" ? Number(value) : value;
    return allow(JSON.stringify((() => { ${statements} })(), show));`;
  return scriptedHook(code, { name: "asker", phases: ["pre-plan", "pre-tool", "post-tool"], ...more });
}

async function runWith(hook: LabHook, more: Partial<LabBlueprint> = {}): Promise<JsonObject> {
  const file = await lab.blueprint({
    turns: [{ text: "done" }],
    hooks: [hook],
    chain: { "pre-plan": ["asker"] },
    ...more,
  });
  const summary = await lab.run(file);
  expect(summary.reason).toBe("the agent has finished");
  expect(await lab.replay()).toMatchObject({ answer: "identical" });
  const [verdict] = (lab.boundaries("pre-plan")[0]?.verdicts ?? []) as readonly JsonObject[];
  const said: unknown = JSON.parse(String(verdict?.rationale));
  if (!isJsonObject(said)) throw new Error("the hook said nothing");
  return said;
}

describe("a hook that requests a tool call", () => {
  const REQUEST =
    'return said(() => JSON.parse(host.requestToolCall("file.read", JSON.stringify({ path: "a.txt" }))).content);';

  test("gets the answer through the whole chain, in a second host, and it replays", async () => {
    const hook = await asking(REQUEST, { authority: AUTHORITY });
    const said = await runWith(hook, {
      grants: { asker: AUTHORITY },
      chain: { "pre-plan": ["asker"], "pre-tool": ["asker"], "post-tool": ["asker"] },
    });
    expect(said).toEqual({ ok: "content of a" });
    const [nested] = lab.boundaries("pre-tool");
    expect(nested).toMatchObject({ level: 1, decision: "allow" });
    expect(JSON.stringify(nested?.payload)).toContain("hook:asker");
  });

  test("C6 without a grant is denied, and nothing is read", async () => {
    const said = await runWith(await asking(REQUEST, { authority: AUTHORITY }));
    expect(said).toEqual({ error: expect.stringContaining("denied") });
    expect(lab.entries.some((entry) => entry.kind === "input.tool")).toBe(false);
  });

  test("R17 re-entry: a hook that asks for a tool at pre-tool is answered two levels deep at most", async () => {
    const asker = await scriptedHook(
      `
        try { host.requestToolCall("file.read", JSON.stringify({ path: "a.txt" })); return allow("answered"); }
        catch (error) { return allow("refused: " + error.message); }`,
      { name: "asker", phases: ["pre-tool"], authority: AUTHORITY },
    );
    const file = await lab.blueprint({
      turns: [{ text: "go", calls: [{ id: "r", tool: "file.read", arguments: { path: "a.txt" } }] }, { text: "done" }],
      hooks: [asker],
      grants: { asker: AUTHORITY },
      chain: { "pre-tool": ["asker"] },
    });
    expect(await lab.run(file)).toMatchObject({ state: "completed" });
    expect(lab.boundaries("pre-tool").map(({ level }) => level)).toEqual([2, 1, 0]);
    expect(JSON.stringify(lab.boundaries("pre-tool")[0])).toContain("two levels deep".replace("two", "2"));
    expect(await lab.replay()).toMatchObject({ answer: "identical" });
  });
});

describe("a hook that uses files", () => {
  test("writes and reads below its grant, through a handle that nobody can guess", async () => {
    await lab.file("out/.keep", "");
    const hook = await asking(
      `const root = files.openRoot("notes");
       files.write(root, "n.txt", new Uint8Array([104, 105]));
       return {
         root,
         read: String.fromCharCode(...files.read(root, "n.txt", 0, 10)),
         list: files.list(root, ".").map(({ name, kind }) => name + " " + kind),
         up: said(() => files.read(root, "../a.txt", 0, 10)),
         guessed: said(() => files.list("0".repeat(32), ".")),
         unknown: said(() => files.openRoot("everything")),
       };`,
      { authority: AUTHORITY },
    );
    const said = await runWith(hook, { grants: { asker: AUTHORITY } });
    expect(said).toMatchObject({
      root: expect.stringMatching(/^[0-9a-f]{32}$/),
      read: "hi",
      list: [".keep file", "n.txt file"],
      up: { error: expect.stringContaining("denied") },
      guessed: { error: expect.stringContaining("denied") },
      unknown: { error: expect.stringContaining("denied") },
    });
    expect(await readFile(join(lab.workspace, "out/n.txt"), "utf8")).toBe("hi");
    const intent = lab.entries.find((entry) => entry.kind === "check.intent" && entry.body.kind === "input.file");
    expect(intent?.body.receipt).toMatchObject({ seq: expect.any(Number) });
  });
});

test("a grant to a hook never reaches beyond what the run may touch", async () => {
  await lab.file("secrets/key", "do not tell");
  const everything = { tools: [], files: [{ name: "all", path: ".", actions: ["read", "write"] }] };
  const hook = await asking(
    `const root = files.openRoot("all");
     return {
       secret: said(() => files.read(root, "secrets/key", 0, 10)),
       moved: said(() => files.rename(root, "secrets/key", "out/key")),
       made: said(() => files.write(root, "a.txt", new Uint8Array([1]))),
     };`,
    { authority: everything },
  );
  const said = await runWith(hook, { grants: { asker: everything } });
  expect(said).toMatchObject({
    secret: { error: expect.stringContaining('filesystem.deny[0] "secrets/**"') },
    moved: { error: expect.stringContaining("denied") },
    made: { error: expect.stringContaining("denied") },
  });
  expect(await readFile(join(lab.workspace, "a.txt"), "utf8")).toBe("content of a");
});

test("a hook that sleeps sees the clock move, and the replay does not wait", async () => {
  const hook = await asking(
    "const before = host.now(); host.sleep(300); return { slept: Number(host.now() - before) };",
  );
  const said = await runWith(hook);
  expect(said.slept).toBeGreaterThanOrEqual(295);
});

test("D1 D2 clock and randomness of a guest are the same on replay, and others in another run", async () => {
  const hook = await asking("return { now: host.now(), random: [...host.random(16)] };");
  const first = await runWith(hook);
  const second = await runWith(hook);
  expect(first.random).not.toEqual(second.random);
});

test("A11 an approval that a hook demands and nobody gives blocks", async () => {
  const hook = await asking('host.requestApproval(JSON.stringify({ why: "to be sure" })); return {};');
  const file = await lab.blueprint({ turns: [{ text: "done" }], hooks: [hook], chain: { "pre-plan": ["asker"] } });
  const summary = await lab.run(file);
  expect(summary).toMatchObject({ state: "paused", exit: 6, reason: expect.stringContaining("approval") });
  expect(await lab.replay()).toMatchObject({ answer: "identical" });
});

test("a capsule that a hook writes is read by the next, and by a child", async () => {
  const hook = await scriptedHook(
    `const had = host.readCapsule("plan");
      if (had == null) host.writeCapsule("plan", JSON.stringify({ steps: [{ text: "first", done: false }] }));
      return allow("had " + had);`,
    { name: "planner", phases: ["pre-plan"] },
  );
  const file = await lab.blueprint({
    turns: [{ text: "go", calls: [{ id: "l", tool: "file.list", arguments: {} }] }, { text: "done" }],
    hooks: [hook],
    chain: { "pre-plan": ["planner"] },
  });
  await lab.run(file);
  const rationales = lab.boundaries("pre-plan").map((body) => (body.verdicts as readonly JsonObject[])[0]?.rationale);
  expect(rationales).toEqual(["had null", 'had {"steps":[{"done":false,"text":"first"}]}']);
  expect(await lab.replay()).toMatchObject({ answer: "identical" });
});

test("a hook that failed blocks until a person re-arms it, and the run goes on after that", async () => {
  const weak = await scriptedHook(
    `if (JSON.parse(payload).usage.steps === 1) for (;;) globalThis.turns = (globalThis.turns ?? 0) + 1;
      return allow("well again");`,
    { name: "weak", phases: ["pre-plan"], limits: { deadlineMs: 300, fuel: 1_000_000_000_000 } },
  );
  const file = await lab.blueprint({
    turns: [{ text: "one" }, { text: "two" }, { text: "three" }],
    hooks: [weak],
    chain: { "pre-plan": ["weak"] },
  });
  const { run } = await lab.run(file);
  const state = async (): Promise<JsonObject> => {
    const { stdout } = await lab.finished("pinion", ["run", "resume", run, "--json"]);
    return JSON.parse(stdout) as JsonObject;
  };
  expect(await state()).toMatchObject({ state: "paused", reason: expect.stringContaining("`weak` failed (deadline)") });

  await writeFile(file, "changed since\n");
  const rearmed = await lab.finished("pinion", ["run", "rearm", run, "weak", "--reason", "a loaded machine"]);
  expect(rearmed.code).toBe(0);
  const unknown = await lab.finished("pinion", ["run", "rearm", run, "nobody", "--reason", "x"]);
  expect(unknown).toMatchObject({ code: 2, stderr: expect.stringContaining("no hook `nobody`") });
  expect(await state()).toMatchObject({ state: "completed", exit: 0 });
  const replayed = await lab.finished("harness", ["replay", join(lab.env.stateDir, "runs", run)]);
  expect(replayed).toMatchObject({ code: 0, stdout: expect.stringContaining("identical") });
  expect((await lab.finished("pinion", ["run", "list"])).stdout).toContain(`${run}`);
});

test("a hook whose capsule does not fit has failed, and those behind it are asked all the same", async () => {
  const wrong = await scriptedHook('host.writeCapsule("plan", JSON.stringify({ steps: 7 })); return allow("done");', {
    name: "wrong",
    phases: ["pre-plan"],
  });
  const behind = await scriptedHook('return allow("asked");', { name: "behind", phases: ["pre-plan"] });
  const file = await lab.blueprint({
    turns: [{ text: "done" }],
    hooks: [wrong, behind],
    shipped: { audit: {} },
    chain: { "pre-plan": ["wrong", "behind"], audit: ["audit"] },
  });
  const summary = await lab.run(file);
  expect(summary).toMatchObject({ state: "paused", reason: expect.stringContaining("`wrong` failed (malformed)") });
  const [boundary] = lab.boundaries("pre-plan");
  expect(boundary?.verdicts).toMatchObject([{ decision: "failed" }, { decision: "allow", rationale: "asked" }]);
  expect(boundary?.capsules).toEqual([expect.objectContaining({ hook: "audit", kind: "status" })]);
  expect(await lab.replay()).toMatchObject({ answer: "identical" });
});

test("rationales and events pass the redaction before they stand anywhere in clear", async () => {
  const secret = "AKIAIOSFODNN7EXAMPLE";
  const teller = await scriptedHook(
    `host.emitEvent("found", JSON.stringify({ key: "${secret}" })); return block("it holds ${secret}");`,
    { name: "teller", phases: ["pre-tool"] },
  );
  const file = await lab.blueprint({
    turns: [{ text: "go", calls: [{ id: "l", tool: "file.list", arguments: {} }] }, { text: "told: ${results.l}" }],
    hooks: [teller],
    shipped: { redact: {}, audit: {} },
    chain: { "pre-tool": ["teller"], audit: ["redact", "audit"] },
  });
  const summary = await lab.run(file);
  expect(summary.result).toContain("REDACTED");
  expect(summary.result).not.toContain(secret);
  expect(JSON.stringify(lab.entries)).not.toContain(secret);
  expect(await lab.replay()).toMatchObject({ answer: "identical" });
});
