import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Entry } from "../../src/model/entry.ts";
import type { JsonObject } from "../../src/model/json.ts";
import { PHASES } from "../../src/model/phase.ts";
import { resumeRun } from "../../src/runtime.ts";
import { Lab, type LabHook, scriptedHook } from "../support/lab.ts";
import { CHILD, TURNS } from "../support/phases.ts";
import { hookHostPids } from "../support/processes.ts";

let lab: Lab;
beforeEach(async () => {
  lab = await Lab.open();
  await lab.file("a.txt", "secret of a");
});
afterEach(() => lab.close());

const GATED = PHASES.filter((phase) => phase !== "audit");

/** A hook in shadow at these phases. */
function shadow(code: string, phases: readonly string[] = GATED, more: Partial<LabHook> = {}): Promise<LabHook> {
  return scriptedHook(code, { name: "candidate", phases, ...more });
}

/** What is in the chains of these runs: a gate that says what it sees, and an observer of the audit. */
async function obeyed(): Promise<readonly LabHook[]> {
  const gate = `
    const random = [...host.random(4)].join(".");
    host.emitEvent("seen", JSON.stringify({ phase, risk: host.readCapsule("risk") ?? null }));
    return allow(phase + " " + random);`;
  return [
    await scriptedHook(gate, { name: "gate", phases: GATED }),
    await scriptedHook('host.emitEvent("audited", payload); return allow("");', {
      name: "watcher",
      role: "observer",
      phases: ["audit"],
    }),
  ];
}

async function runWith(shadows: readonly LabHook[], watch: Readonly<Record<string, readonly string[]>> = {}) {
  const hooks = await obeyed();
  const each = (phase: string) => shadows.filter((hook) => hook.phases.includes(phase)).map(({ name }) => name);
  const file = await lab.blueprint({
    hooks: [...hooks, ...shadows],
    chain: { ...Object.fromEntries(GATED.map((phase) => [phase, ["gate"]])), audit: ["watcher"] },
    shadow: { ...Object.fromEntries(PHASES.map((phase) => [phase, each(phase)])), ...watch },
    turns: TURNS,
    child: CHILD,
  });
  return lab.run(file);
}

function shadows(entries: readonly Entry[] = lab.entries): readonly JsonObject[] {
  return entries.filter((entry) => entry.kind === "check.shadow").map((entry) => entry.body);
}

describe("a hook in shadow", () => {
  test("is asked at every boundary, blocks everything, and nothing is blocked", async () => {
    const summary = await runWith([await shadow('return block("never")')]);
    expect(summary).toMatchObject({ state: "completed", exit: 0, result: "told: secret of a / helped" });
    const said = shadows();
    expect(new Set(said.map(({ phase }) => phase))).toEqual(new Set(GATED));
    expect(said).toHaveLength(lab.entries.filter((entry) => entry.kind === "check.boundary").length);
    for (const entry of said) {
      expect(entry).toMatchObject({
        hook: "candidate",
        tier: "proposed",
        decision: "block",
        agreement: "newly-blocked",
      });
      expect(entry.rationale).toMatch(/^hmac-sha256:/);
    }
    expect(JSON.stringify(said)).not.toContain("never");
    expect(await lab.replay()).toMatchObject({ answer: "identical" });
    expect(hookHostPids()).toEqual([]);
  });

  test("stands in the journal right before the boundary that it is about", async () => {
    await runWith([await shadow('return allow("")')]);
    for (const [at, entry] of lab.entries.entries()) {
      if (entry.kind !== "check.shadow") continue;
      const next = lab.entries[at + 1];
      expect(next?.kind).toBe("check.boundary");
      const { phase, step, subject, level } = entry.body;
      expect(next?.body).toMatchObject({ phase, step, subject, level });
    }
  });

  test("R22 takes nothing from the hooks that are obeyed and gives them nothing", async () => {
    const meddling = `
      host.random(64);
      host.writeCapsule("risk", JSON.stringify({ level: "high", note: "x" }));
      host.emitEvent("noise", JSON.stringify(phase));
      host.requestApproval(JSON.stringify({ why: "because" }));
      globalThis.calls = (globalThis.calls ?? 0) + 1;
      return block(String(calls));`;
    // Both runs have the same seed and take no time: their hooks draw the same and see the same.
    const monotonic = () => 0;
    const random = (bytes: number) => (bytes === 32 ? Buffer.alloc(32, 7) : randomBytes(bytes));
    Object.assign(lab.env, { random, monotonic });
    const alone = await runWith([]);
    const without = [...lab.entries];
    await lab.close();
    lab = await Lab.open();
    await lab.file("a.txt", "secret of a");
    Object.assign(lab.env, { random, monotonic });
    const beside = await runWith([await shadow(meddling)]);
    expect(shadows().length).toBeGreaterThan(5);
    expect({ ...beside, ...VARYING }).toEqual({ ...alone, ...VARYING });
    expect(lab.entries.filter(({ kind }) => kind !== "check.shadow").map(comparable)).toEqual(without.map(comparable));
    expect(await lab.replay()).toMatchObject({ answer: "identical" });
  });

  test("sees what it wrote itself into capsules, until the run has a newer one", async () => {
    const code = `
      const seen = host.readCapsule("status");
      host.writeCapsule("status", JSON.stringify({ summary: phase }));
      return seen?.includes("pre-plan") ? block("") : allow("");`;
    await runWith([await shadow(code, ["pre-plan", "pre-send", "post-receive"])]);
    const first = shadows().slice(0, 3);
    expect(first.map(({ phase, decision }) => [phase, decision])).toEqual([
      ["pre-plan", "allow"],
      ["pre-send", "block"],
      ["post-receive", "allow"],
    ]);
    expect(lab.boundaries("pre-send").flatMap(({ capsules }) => capsules)).toEqual([]);
  });

  test("is denied everything that goes into the world", async () => {
    const code = `
      const tried = [];
      const attempt = (call) => { try { call(); tried.push("done"); } catch (error) { tried.push(String(error.payload ?? error.message ?? error)); } };
      attempt(() => host.requestToolCall("file.write", JSON.stringify({ path: "out/shadow.txt", content: "x" })));
      attempt(() => host.sleep(1));
      attempt(() => files.openRoot("work"));
      return tried.every((one) => one.includes("denied: shadow")) ? allow(tried.join()) : block(tried.join());`;
    const authority = {
      tools: ["file.write"],
      files: [{ name: "work", path: ".", actions: ["read", "write"] }],
    };
    await runWith([await shadow(code, ["pre-tool"], { authority })]);
    expect(shadows().map(({ decision }) => decision)).toEqual(["allow", "allow", "allow"]);
    expect(shadows()[0]?.calls).toEqual({ "files.open-root": 1, "request-tool-call": 1, sleep: 1 });
    expect(lab.entries.some(({ kind }) => kind === "input.file" || kind === "input.sleep")).toBe(false);
    expect(lab.entries.filter(({ kind }) => kind === "check.refused" || kind === "check.hostcalls")).toEqual([]);
    expect(await lab.replay()).toMatchObject({ answer: "identical" });
  });

  test("sees a payload as the transformers left it if it is a gate, as it came if it is a transformer", async () => {
    const marks = await scriptedHook(
      'const p = JSON.parse(payload); p.goal += " and more"; return transform("", JSON.stringify(p));',
      { name: "marks", role: "transformer", phases: ["pre-plan"] },
    );
    const judge = 'return JSON.parse(payload).goal.endsWith("and more") ? block("") : allow("")';
    const file = await lab.blueprint({
      hooks: [
        marks,
        await shadow(judge, ["pre-plan"], { name: "as-gate" }),
        await shadow(judge, ["pre-plan"], { name: "as-transformer", role: "transformer" }),
      ],
      chain: { "pre-plan": ["marks"] },
      shadow: { "pre-plan": ["as-transformer", "as-gate"] },
      turns: [{ text: "done" }],
    });
    await lab.run(file);
    expect(shadows().map(({ hook, decision }) => [hook, decision])).toEqual([
      ["as-gate", "block"],
      ["as-transformer", "allow"],
    ]);
  });

  test("watches the audit, and changes nothing in it", async () => {
    const code = `
      const record = JSON.parse(payload);
      for (const verdict of record.verdicts) verdict.rationale = "gone";
      return transform("", JSON.stringify(record));`;
    await runWith([await shadow(code, ["audit"], { role: "transformer" })]);
    expect(new Set(shadows().map(({ agreement }) => agreement))).toEqual(new Set(["transforms-differently"]));
    expect(lab.rationales("pre-plan")[0]).toMatch(/^pre-plan /);
    expect(await lab.replay()).toMatchObject({ answer: "identical" });
  });

  test("is compared again by a replay without the run's key as far as that goes", async () => {
    const summary = await runWith([await shadow('return block("")')]);
    await lab.forget(summary);
    expect(await lab.replay()).toMatchObject({ answer: "identical-except-sealed" });
  });

  test("is replayed up to where the run crashed, and asked from there on", async () => {
    const counts = 'globalThis.calls = (globalThis.calls ?? 0) + 1; return calls % 2 ? allow("") : block("");';
    const summary = await runWith([await shadow(counts)]);
    await lab.crash(summary, "check.shadow", '"pre-tool"');
    const before = shadows();
    lab.entries.length = 0;
    const resumed = await resumeRun({ run: summary.run, by: "test", ...lab.watching }, lab.env);
    expect(resumed).toMatchObject({ state: "completed" });
    const recorded = (await readFile(summary.journal, "utf8")).split("\n").filter((line) => line !== "");
    const after = shadows(recorded.map((line) => JSON.parse(line) as Entry));
    expect(after.map(({ phase, decision }) => [phase, decision])).toEqual(
      before.map(({ phase, decision }) => [phase, decision]),
    );
    expect(await lab.replay(dirname(summary.journal))).toMatchObject({ answer: "identical" });
  });
});

const FAILURES = [
  ["trap", "throw 7", "trap"],
  ["an error", 'throw new Error("secret of the guest")', "error"],
  ["an endless loop", "for (;;);", "limit"],
  ["a deadline", "for (;;) host.now();", "limit"],
  ["a payload that does not fit", 'return transform("", "{}")', "malformed"],
  ["a capsule that does not fit", 'host.writeCapsule("risk", "17"); return allow("")', "malformed"],
] as const;

describe("a hook in shadow that fails", () => {
  test.each(FAILURES)("by %s blocks nothing, is recorded once, and is not asked again", async (_, code, cause) => {
    const summary = await runWith([await shadow(code, GATED, { role: "transformer" })]);
    expect(summary).toMatchObject({ state: "completed", exit: 0, result: "told: secret of a / helped" });
    expect(shadows()).toHaveLength(1);
    expect(shadows()[0]).toMatchObject({ decision: "failed", cause });
    expect(shadows()[0]).not.toHaveProperty("agreement");
    expect(JSON.stringify(lab.entries)).not.toContain("secret of the guest");
    expect(await lab.replay()).toMatchObject({ answer: "identical" });
    expect(hookHostPids()).toEqual([]);
  });

  test("R1 a deadline of its own is a fault that a replay imposes, and the others go on", async () => {
    const slow = await shadow("for (;;);", ["pre-plan"], { limits: { deadlineMs: 300, fuel: 1_000_000_000_000 } });
    const other = await shadow('return allow("")', ["pre-plan"], { name: "other" });
    const summary = await runWith([slow, other]);
    expect(summary).toMatchObject({ state: "completed", exit: 0 });
    expect(shadows().map(({ hook, decision, cause }) => [hook, decision, cause])).toEqual([
      ["candidate", "failed", "deadline"],
      ["other", "allow", undefined],
      ["other", "allow", undefined],
    ]);
    expect(lab.entries.filter(({ kind }) => kind === "input.fault")).toHaveLength(1);
    expect(await lab.replay()).toMatchObject({ answer: "identical" });
  });

  test("R22 shares its process with nobody, and none outlives the run", async () => {
    const hooks = await obeyed();
    const both = await Promise.all(["one", "two"].map((name) => shadow('return allow("")', ["pre-plan"], { name })));
    const file = await lab.blueprint({
      hooks: [...hooks, ...both],
      chain: { "pre-plan": ["gate"], audit: ["watcher"] },
      shadow: { "pre-plan": ["one", "two"] },
      turns: [{ text: "done" }],
    });
    const seen: number[] = [];
    await lab.run(file, { onEntry: ({ kind }) => void (kind === "input.model" && seen.push(hookHostPids().length)) });
    expect(seen).toEqual([3]);
    expect(hookHostPids()).toEqual([]);
  });

  test("R22 whose process is killed is missed by nobody", async () => {
    const entries: Entry[] = [];
    const pids: number[][] = [];
    const hooks = await obeyed();
    const file = await lab.blueprint({
      hooks: [...hooks, await shadow('return allow("")', ["pre-plan", "pre-tool"])],
      chain: { "pre-tool": ["gate"], audit: ["watcher"] },
      shadow: { "pre-plan": ["candidate"], "pre-tool": ["candidate"] },
      turns: TURNS,
      child: CHILD,
    });
    const before = new Set<number>();
    const summary = await lab.run(file, {
      onEntry: (entry) => {
        entries.push(entry);
        if (entry.kind === "check.hooks") for (const pid of hookHostPids()) before.add(pid);
        if (entry.kind !== "input.model" || pids.length > 0) return;
        const proposed = hookHostPids().filter((pid) => !before.has(pid));
        pids.push(proposed);
        for (const pid of proposed) process.kill(pid, "SIGKILL");
      },
    });
    expect(pids).toEqual([[expect.any(Number)]]);
    expect(summary).toMatchObject({ state: "completed", result: "told: secret of a / helped" });
    const said = shadows(entries);
    expect(said.at(-1)).toMatchObject({ decision: "failed", cause: "host-died" });
    expect(said.filter(({ decision }) => decision === "failed")).toHaveLength(1);
    expect(await lab.replay()).toMatchObject({ answer: "identical" });
  });
});

/** What differs from one run to the next whatever is in shadow. */
const VARYING = { run: "", head: "", blueprint: "", journal: "", elapsedMs: 0, recording: "", children: [], usage: {} };

/** An entry without times, digests of the blueprint, and what follows from them. */
function comparable({ kind, body }: Entry): unknown {
  const text = JSON.stringify([kind, body], (key, value) => {
    if (
      ["input", "commit", "sealed", "digest", "receipt", "blueprint", "elapsedMs", "run", "ref", "data"].includes(key)
    ) {
      return "";
    }
    return value as unknown;
  });
  return text.replaceAll(/sha256:[0-9a-f]{64}/g, "").replaceAll(/\d{8}-\d{6}-[0-9a-f]{8}/g, "");
}
