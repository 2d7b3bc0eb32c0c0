import { existsSync, readdirSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { JsonObject } from "../../src/model/json.ts";
import { PHASES, type Phase } from "../../src/model/phase.ts";
import { Lab, type LabHook, scriptedHook } from "../support/lab.ts";
import { blockedBoundaries, CHILD, TURNS } from "../support/phases.ts";
import { runs } from "../support/property.ts";
import { hookHosts } from "./chains.ts";

/** What a guest tries across its calls, across the hooks of a run, and across runs. */
let lab: Lab;
beforeEach(async () => {
  lab = await Lab.open();
  await lab.file("a.txt", "secret of a");
});
afterEach(async () => {
  expect(hookHosts()).toEqual([]);
  await lab.close();
});

const FOLDER = { name: "out", path: "out", actions: ["read", "write"] };
const AUTHORITY = { tools: ["file.write", "process.run"], files: [FOLDER] };
type Chain = Readonly<Record<string, readonly string[]>>;

function hook(name: string, code: string, more: Partial<LabHook> = {}): Promise<LabHook> {
  return scriptedHook(code, { name, role: "transformer", phases: PHASES, authority: AUTHORITY, ...more });
}

function blueprint(hooks: readonly LabHook[], chain: Chain): Promise<string> {
  const grants = Object.fromEntries(hooks.map(({ name, authority }) => [name, authority ?? {}]));
  return lab.blueprint({ hooks, chain, grants, turns: TURNS, child: CHILD });
}

const isIdentical = async () => expect(await lab.replay()).toMatchObject({ answer: "identical" });
const effects = () => lab.entries.filter((entry) => ["input.tool", "input.file"].includes(entry.kind)).length;
const everywhere = (...names: string[]): Chain => Object.fromEntries(PHASES.map((phase) => [phase, names]));

/** All phases in `npm run soak`; otherwise every second one, from the given on. */
function everySecond(first: 0 | 1): readonly Phase[] {
  return PHASES.filter((_, index) => (index + first) % 2 < runs(1, 2));
}

describe("R15", () => {
  /** What it writes is on disk, and known to who watches, before the next effect: the sleep is cut short, or never begins. */
  const SLEEPER = `const root = files.openRoot("out");
    for (const name of ["one", "two"]) { try { files.write(root, name, new Uint8Array(1)); } catch {} }
    host.sleep(50000);
    return allow("awake");`;

  test.each(everySecond(0))("R15 a sleep at %s that would outlive the run ends with it", async (phase) => {
    const limits = { deadlineMs: 60_000, hostcallMs: 60_000 };
    const sleeper = await hook("sleeper", SLEEPER, { limits });
    await lab.file("out/.keep", "");
    const cancelling = new AbortController();
    const start = performance.now();
    const summary = await lab.run(await blueprint([sleeper], { [phase]: ["sleeper"] }), {
      signal: cancelling.signal,
      onEntry: (entry) => {
        lab.entries.push(entry);
        if (entry.kind === "input.file") cancelling.abort();
      },
    });
    expect(performance.now() - start).toBeLessThan(40_000);
    expect(summary.state).toBe("terminated");
    expect(hookHosts()).toEqual([]);
    const written = await readFile(summary.journal, "utf8");
    expect(written.split("\n").filter((line) => line !== "")).toHaveLength(lab.entries.length + 1);
    await isIdentical();
    expect(await readFile(summary.journal, "utf8")).toBe(written);
  });
});

test("R16 errors and hostcalls in microtasks come too late to be anything", async () => {
  const late = await hook(
    "late",
    `const again = () => Promise.resolve().then(again);
     again();
     Promise.reject(new Error("late"));
     Promise.resolve().then(() => host.emitEvent("late", "1"));
     queueMicrotask(() => { throw new Error("later"); });
     return allow("now");`,
  );
  const summary = await lab.run(await blueprint([late], everywhere("late")));
  expect(summary).toMatchObject({ state: "completed", blocked: 0 });
  expect(lab.entries.some((entry) => JSON.stringify(entry.body.events ?? []).includes("late"))).toBe(false);
  await isIdentical();
});

describe("R17", () => {
  test.each(everySecond(1))(
    "R17 re-entry at %s: a hook that traps two levels down has failed on all of them",
    async (phase) => {
      const diver = await hook(
        "diver",
        `try { host.requestToolCall("file.write", JSON.stringify({ path: "out/made.txt", content: "made" })); }
       catch (error) { if (error.message.includes("nest")) throw 7; }
       return allow("through");`,
      );
      await lab.run(await blueprint([diver], { [phase]: ["diver"], "pre-tool": ["diver"] }));
      expect(existsSync(join(lab.workspace, "out/made.txt"))).toBe(false);
      expect(effects()).toBe(0);
      const blocked = blockedBoundaries(lab);
      expect(blocked.map(({ level }) => level)).toContain(2);
      for (const boundary of blocked) expect(JSON.stringify(boundary)).toContain("`diver` failed (trap): unreachable");
      await isIdentical();
    },
  );
});

describe("R19", () => {
  /** Opens a directory, keeps its handle, and tells it to whoever reads capsules. */
  const GIVER = `globalThis.root ??= files.openRoot("out");
    host.writeCapsule("plan", JSON.stringify({ steps: [{ text: globalThis.root, done: false }] }));
    return allow("given");`;
  /** Tries what it was told, and what it made up. */
  const TAKER = `const plan = host.readCapsule("plan");
    if (!plan) return allow("nothing yet");
    const token = JSON.parse(plan).steps[0].text;
    for (const handle of [token, token.toUpperCase(), token.slice(1), "0".repeat(32), "out", "", "__proto__"]) {
      try { files.write(handle, "stolen", new Uint8Array(1)); return allow("written with " + handle); }
      catch (error) { if (!error.message.startsWith("denied")) return allow("not denied: " + error.message); }
    }
    return allow("all denied");`;

  test.each(everySecond(0))("R19 a handle of another instance, and forged ones, are denied at %s", async (phase) => {
    const [giver, taker] = [await hook("giver", GIVER), await hook("taker", TAKER)];
    await lab.file("out/.keep", "");
    const chain = { "pre-plan": ["giver"], [phase]: phase === "pre-plan" ? ["giver", "taker"] : ["taker"] };
    await lab.run(await blueprint([giver, taker], chain));
    expect(readdirSync(join(lab.workspace, "out")).filter((name) => name === "stolen")).toEqual([]);
    const said = JSON.stringify(lab.boundaries(phase === "audit" ? "pre-send" : phase));
    if (phase !== "audit") expect(said).toContain("all denied");
    expect(said).not.toContain("written with");
    expect(said).not.toContain("not denied");
    await isIdentical();
  });

  test("R19 a handle that was dropped with its instance is denied", async () => {
    const keeper = await hook(
      "keeper",
      `const plan = host.readCapsule("plan");
       if (!plan) { ${GIVER} }
       try { files.list(JSON.parse(plan).steps[0].text, "."); return block("still open"); }
       catch (error) { return allow(error.message); }`,
      { instance: "call" },
    );
    await lab.file("out/.keep", "");
    await lab.run(await blueprint([keeper], { "pre-plan": ["keeper"], "pre-send": ["keeper"] }));
    expect(lab.rationales("pre-plan")[0]).toBe("given");
    expect(lab.rationales("pre-send")[0]).toContain("denied");
    await isIdentical();
  });
});

describe("R21", () => {
  /** Two generations of detached processes that would live for ten minutes, with the workspace on their command lines. */
  const BOMB = `import { spawn } from "node:child_process";
    const [, script, left = "2", marker = process.cwd()] = process.argv;
    for (let n = 0; n < 3 && Number(left) > 0; n++)
      spawn(process.execPath, [script, String(left - 1), marker], { detached: true, stdio: "ignore" }).unref();
    setTimeout(() => console.log("multiplied"), left === "2" ? 500 : 600000);`;
  const phases: readonly Phase[] = PHASES.filter((_, index) => index % 4 < runs(1, 4));

  test.each(phases)("R21 processes that multiply through a tool at %s end with it", async (phase) => {
    await lab.file("bomb.mjs", BOMB);
    const request = { argv: ["node", "bomb.mjs"] };
    const bomber = await hook(
      "bomber",
      `if (globalThis.done) return allow("once");
       try {
         const answer = host.requestToolCall("process.run", ${JSON.stringify(JSON.stringify(request))});
         globalThis.done = true;
         return allow(answer);
       } catch (error) {
         return allow(error.message);
       }`,
      { limits: { deadlineMs: 30_000, hostcallMs: 30_000 } },
    );
    await lab.run(await blueprint([bomber], { [phase]: ["bomber"] }));
    const ran = lab.boundaries("post-tool").filter(({ subject }) => String(subject).includes("process.run"));
    expect(JSON.stringify(ran)).toContain("multiplied");
    expect(processesWith(lab.workspace)).toEqual([]);
    await isIdentical();
    expect(processesWith(lab.workspace)).toEqual([]);
  });
});

describe("R22", () => {
  const COUNTS = 'globalThis.calls = (globalThis.calls ?? 0) + 1; return allow("call " + globalThis.calls);';

  /** What each hook said of its calls, in order. */
  const counts = (name: string): readonly string[] =>
    lab.entries.flatMap((entry) =>
      entry.kind === "check.boundary"
        ? (entry.body.verdicts as readonly JsonObject[])
            .filter((verdict) => verdict.hook === name)
            .map(({ rationale }) => String(rationale))
        : [],
    );

  test("R22 what a hook keeps is seen by no other, and by no other run", async () => {
    const [one, two] = [await hook("one", COUNTS), await hook("two", COUNTS)];
    const phases = PHASES.filter((phase) => phase !== "audit");
    const chain = Object.fromEntries(phases.map((phase, index) => [phase, index % 2 === 0 ? ["one", "two"] : ["one"]]));
    const file = await blueprint([one, two], chain);
    for (let run = 0; run < 2; run += 1) {
      await lab.run(file);
      for (const name of ["one", "two"]) {
        const said = counts(name);
        expect(said.length).toBeGreaterThan(3);
        expect(said).toEqual(said.map((_, index) => `call ${index + 1}`));
      }
      expect(counts("one").length).toBeGreaterThan(counts("two").length);
    }
    await isIdentical();
  });

  test("R22 with an instance for each call, nothing is kept at all", async () => {
    const fresh = await hook("fresh", COUNTS, { instance: "call" });
    await lab.run(await blueprint([fresh], everywhere("fresh")));
    expect(counts("fresh").length).toBeGreaterThan(7);
    expect(new Set(counts("fresh"))).toEqual(new Set(["call 1"]));
    await isIdentical();
  });
});

/** Processes that live and have this word on their command line. */
function processesWith(word: string): readonly string[] {
  return readdirSync("/proc").filter((pid) => {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return false;
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "latin1").includes(word);
    } catch {
      // It has ended since it was listed.
      return false;
    }
  });
}
