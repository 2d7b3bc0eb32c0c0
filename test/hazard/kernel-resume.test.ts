import { execSync } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { rearmHook, resumeRun } from "../../src/runtime.ts";
import { Lab, scriptedHook } from "../support/lab.ts";

let lab: Lab;
beforeEach(async () => {
  lab = await Lab.open();
  await lab.file("a.txt", "content of a");
});
afterEach(() => lab.close());

test("a run whose audit still fails can be resumed, and pauses again", async () => {
  const bad = await scriptedHook("throw 1;", { name: "bad", role: "observer", phases: ["audit"] });
  const file = await lab.blueprint({ hooks: [bad], chain: { audit: ["bad"] }, turns: [{ text: "done" }] });
  const s = await lab.run(file);
  expect(s.state).toBe("paused");
  expect(await resumeRun({ run: s.run, ...lab.watching }, lab.env)).toMatchObject({ state: "paused" });
});

test("re-arming a hook of a run whose start was vetoed is not lost", async () => {
  const weak = await scriptedHook("throw 1;", { name: "weak", phases: ["state-transition"] });
  const file = await lab.blueprint({
    hooks: [weak],
    chain: { "state-transition": ["weak"] },
    turns: [{ text: "done" }],
  });
  const s = await lab.run(file);
  expect(s.state).toBe("pending");
  await rearmHook({ run: s.run, hook: "weak", reason: "x" }, lab.env);
  expect(readFileSync(s.journal, "utf8")).toContain("input.control");
  expect(await resumeRun({ run: s.run, ...lab.watching }, lab.env)).toMatchObject({ state: "pending" });
});

test("time paused is not time used", async () => {
  const gate = await scriptedHook(`return JSON.parse(payload).usage.steps === 1 ? block("wait") : allow("ok");`, {
    name: "gate",
    phases: ["pre-plan"],
  });
  const file = await lab.blueprint({
    hooks: [gate],
    chain: { "pre-plan": ["gate"] },
    turns: [{ text: "one" }, { text: "two" }],
  });
  const s = await lab.run(file);
  expect(s.state).toBe("paused");
  const later = { ...lab.env, now: () => Date.now() + 3_600_000 };
  expect(await resumeRun({ run: s.run, ...lab.watching }, later)).toMatchObject({ state: "completed" });
});

test("a conversation that goes on after a pause goes on from the other side", async () => {
  const once = await scriptedHook(
    `const p = JSON.parse(payload); if (p.boundary === "state-transition" && p.subject.endsWith("completed") && !globalThis.did) { globalThis.did = true; return block("not audited"); } return allow("");`,
    { name: "once", role: "transformer", phases: ["audit"] },
  );
  const see = await scriptedHook(`return allow(JSON.parse(payload).messages.at(-1).role);`, {
    name: "see",
    phases: ["pre-send"],
  });
  const file = await lab.blueprint({
    hooks: [once, see],
    chain: { audit: ["once"], "pre-send": ["see"] },
    turns: [{ text: "one" }, { text: "two" }],
  });
  const s = await lab.run(file);
  expect(s.state).toBe("paused");
  lab.entries.length = 0;
  await resumeRun({ run: s.run, ...lab.watching }, lab.env);
  const last = lab.rationales("pre-send").at(-1);
  expect(last).not.toBe("assistant");
});

test("an interrupted run replays without its key", async () => {
  const stop = new AbortController();
  await lab.file("wait.cjs", "setTimeout(()=>{}, 5000)");
  const file = await lab.blueprint({
    turns: [
      { text: "w", calls: [{ id: "wait", tool: "process.run", arguments: { argv: ["node", "wait.cjs"] } }] },
      { text: "done" },
    ],
  });
  const s = await lab.run(file, {
    signal: stop.signal,
    onEntry: (e) => {
      lab.entries.push(e);
      if (e.kind === "check.intent" && e.body.kind === "input.tool") setTimeout(() => stop.abort(), 300);
    },
  });
  expect(s.state).toBe("terminated");
  expect(await lab.replay()).toMatchObject({ answer: "identical" });
  await lab.forget(s);
  expect(await lab.replay()).toMatchObject({ answer: "identical-except-sealed" });
});

test("N4 a hook host that dies while it is idle is replayed", async () => {
  await lab.file("wait.cjs", "setTimeout(()=>{}, 1500)");
  const gate = await scriptedHook(`globalThis.n = (globalThis.n ?? 0) + 1; return allow("call " + globalThis.n);`, {
    name: "gate",
    phases: ["pre-plan"],
  });
  const file = await lab.blueprint({
    hooks: [gate],
    chain: { "pre-plan": ["gate"] },
    turns: [
      { text: "w", calls: [{ id: "wait", tool: "process.run", arguments: { argv: ["node", "wait.cjs"] } }] },
      { text: "done" },
    ],
  });
  const s = await lab.run(file, {
    onEntry: (e) => {
      lab.entries.push(e);
      if (e.kind === "check.intent" && e.body.kind === "input.tool")
        setTimeout(() => {
          const kids = execSync(`ps -o pid=,args= --ppid ${process.pid}`)
            .toString()
            .split("\n")
            .filter((l) => l.includes("--permission"));
          for (const k of kids) process.kill(Number(k.trim().split(" ")[0]), "SIGKILL");
        }, 300);
    },
  });
  expect(s.state).toBe("completed");
  expect(await lab.replay()).toMatchObject({ answer: "identical" });
});

test("L9 a hook's call whose outcome is lost pauses the run", async () => {
  await lab.file("eff.cjs", "require('fs').appendFileSync('out/eff','x')");
  await lab.file("out/.keep", "");
  const AUTHORITY = { tools: ["process.run"], files: [] };
  const asker = await scriptedHook(
    `try { host.requestToolCall("process.run", JSON.stringify({ argv: ["node", "eff.cjs"] })); return allow("done"); } catch (e) { return allow("err " + e.message); }`,
    { name: "asker", phases: ["pre-plan"], authority: AUTHORITY },
  );
  const file = await lab.blueprint({
    hooks: [asker],
    grants: { asker: AUTHORITY },
    chain: { "pre-plan": ["asker"] },
    turns: [{ text: "done" }],
  });
  const s = await lab.run(file);
  expect(s.state).toBe("completed");
  await lab.crash(s, '"check.intent"');
  lab.entries.length = 0;
  const r = await resumeRun({ run: s.run, ...lab.watching }, lab.env);
  expect(r).toMatchObject({ state: "paused" });
});

test("a pause behind an effect keeps its outcome for the agent", async () => {
  const gate = await scriptedHook(`return allow("ok");`, { name: "gate", phases: ["pre-tool"] });
  const file = await lab.blueprint({
    hooks: [gate],
    chain: { "pre-tool": ["gate"] },
    turns: [
      {
        text: "go",
        calls: [{ id: "w", tool: "file.write", arguments: { path: "out/x", content: "x", createDirectories: true } }],
      },
      { text: 'told: ${results.w | default "nothing"}' },
    ],
  });
  const s = await lab.run(file);
  await lab.crash(s, '"check.intent"', '"input.tool"');
  await rearmHook({ run: s.run, hook: "gate", reason: "x" }, lab.env);
  const r = await resumeRun({ run: s.run, ...lab.watching }, lab.env);
  expect(r.result).not.toBe("told: nothing");
});

test("a child that cannot begin leaks nothing", async () => {
  await lab.file("mv.cjs", "require('fs').renameSync(process.cwd(), process.cwd() + '-moved')");
  const file = await lab.blueprint({
    child: [{ text: "helped" }],
    turns: [
      {
        text: "go",
        calls: [
          { id: "m", tool: "process.run", arguments: { argv: ["node", "mv.cjs"] } },
          { id: "s", tool: "agent.spawn", arguments: { agent: "helper", goal: "g" } },
        ],
      },
      { text: 'told: ${results.s | default "nothing"}' },
    ],
  });
  const _s = await lab.run(file, { record: undefined });
  const open = readdirSync("/proc/self/fd")
    .flatMap((fd) => {
      try {
        return [readlinkSync(`/proc/self/fd/${fd}`)];
      } catch {
        return [];
      }
    })
    .filter((p) => p.includes(lab.root));
  expect(open).toEqual([]);
});

test("a run that crashed in a call and was resumed replays without its key", async () => {
  await lab.file("eff.cjs", "1");
  const file = await lab.blueprint({
    turns: [
      { text: "go", calls: [{ id: "p", tool: "process.run", arguments: { argv: ["node", "eff.cjs"] } }] },
      { text: "done" },
    ],
  });
  const s = await lab.run(file);
  await lab.crash(s, '"check.intent"', '"input.tool"');
  expect(await resumeRun({ run: s.run, ...lab.watching }, lab.env)).toMatchObject({ state: "paused" });
  expect(await resumeRun({ run: s.run, ...lab.watching }, lab.env)).toMatchObject({ state: "completed" });
  const folder = join(lab.env.stateDir, "runs", s.run);
  const _full = await lab.replay(folder);
  await lab.forget(s);
  const sealed = await lab.replay(folder);
  expect(sealed.answer).toBe("identical-except-sealed");
});

test("a run that paused replays without its key", async () => {
  const gate = await scriptedHook(`return JSON.parse(payload).usage.steps === 1 ? block("wait") : allow("ok");`, {
    name: "gate",
    phases: ["pre-plan"],
  });
  const file = await lab.blueprint({
    hooks: [gate],
    chain: { "pre-plan": ["gate"] },
    turns: [{ text: "one" }, { text: "two" }],
  });
  const s = await lab.run(file);
  await resumeRun({ run: s.run, ...lab.watching }, lab.env);
  const folder = join(lab.env.stateDir, "runs", s.run);
  expect((await lab.replay(folder)).answer).toBe("identical");
  await lab.forget(s);
  const r = await lab.replay(folder);
  expect(r.answer).toBe("identical-except-sealed");
});

test("a resume does not answer a pause that nobody has seen", async () => {
  const gate = await scriptedHook(
    `if (JSON.parse(payload).usage.steps > 1) return allow(""); host.sleep(1); return block("a person must look");`,
    { name: "gate", phases: ["pre-plan"] },
  );
  const file = await lab.blueprint({
    hooks: [gate],
    chain: { "pre-plan": ["gate"] },
    turns: [{ text: "one" }, { text: "two" }],
  });
  const s = await lab.run(file);
  expect(s.state).toBe("paused");
  await lab.crash(s, '"kind":"input.sleep"');
  expect(await resumeRun({ run: s.run, ...lab.watching }, lab.env)).toMatchObject({ state: "paused" });
});
