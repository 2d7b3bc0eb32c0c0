import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Entry } from "../../src/model/entry.ts";
import { Lab, type LabHook, scriptedHook } from "../support/lab.ts";
import { hookHostPids } from "../support/processes.ts";
import { tamperingNode } from "../support/tampering-node.ts";

let lab: Lab;
const node = process.execPath;
beforeEach(async () => {
  lab = await Lab.open();
});
afterEach(async () => {
  process.execPath = node;
  await lab.close();
});

const TURNS = [
  { text: "go", calls: [{ id: "w", tool: "file.write", arguments: { path: "out/made.txt", content: "made" } }] },
  { text: "done" },
];

/** A run with one gate at `pre-tool` (and, to see that it starts anew, at `post-receive`); replayed to be identical. */
async function runWith(code: string, onEntry: (entry: Entry) => void = () => undefined) {
  const gate: LabHook = await scriptedHook(code, {
    name: "gate",
    phases: ["post-receive", "pre-tool"],
    limits: { deadlineMs: 1500 },
    authority: AUTHORITY,
  });
  const file = await lab.blueprint({
    turns: TURNS,
    hooks: [gate],
    grants: { gate: AUTHORITY },
    chain: { "post-receive": ["gate"], "pre-tool": ["gate"] },
  });
  const summary = await lab.run(file, {
    onEntry: (entry) => {
      lab.entries.push(entry);
      onEntry(entry);
    },
  });
  process.execPath = node;
  expect(hookHostPids()).toEqual([]);
  expect(await lab.replay()).toMatchObject({ answer: "identical" });
  return {
    summary,
    faults: lab.entries.filter((entry) => entry.kind === "input.fault"),
    said: [...lab.rationales("post-receive"), ...lab.rationales("pre-tool")].join("\n"),
    wrote: lab.entries.some((entry) => entry.kind === "input.tool"),
  };
}

/** Does something to the hook host once the journal has come to an entry like this. */
function once(kind: string, of: string, act: (pid: number) => void): (entry: Entry) => void {
  let done = false;
  return (entry) => {
    if (done || entry.kind !== kind || entry.body.kind !== of) return;
    done = true;
    const pids = hookHostPids();
    expect(pids).toHaveLength(1);
    pids.forEach(act);
  };
}

const ALLOWS = 'return allow("fine");';
const WRITES =
  'if (phase === "pre-tool") files.write(files.openRoot("notes"), "n.txt", new Uint8Array([104])); return allow("written");';
const AUTHORITY = { tools: [], files: [{ name: "notes", path: "out", actions: ["read", "write"] }] };

test("a host that is killed while its hook waits for an answer blocks the call; what was done is in the journal", async () => {
  await lab.file("out/.keep", "");
  const kill = once("check.intent", "input.file", (pid) => process.kill(pid, "SIGKILL"));
  const { faults, said, wrote } = await runWith(WRITES, kill);
  expect(said).toContain("hook `gate` failed (host-died): the process ended with SIGKILL");
  expect(faults).toHaveLength(1);
  expect(lab.entries.filter((entry) => entry.kind === "input.file" && Number(faults[0]?.seq) > entry.seq)).not.toEqual(
    [],
  );
  expect(wrote).toBe(false);
});

test("a host that is killed while it is idle costs nothing but itself, or the hook that is asked just then", async () => {
  const kill = once("check.intent", "input.model", (pid) => process.kill(pid, "SIGKILL"));
  const { faults, said, summary, wrote } = await runWith(ALLOWS, kill);
  expect(faults).toHaveLength(1);
  // Whether the death was seen before the next question is a matter of microseconds; both are recorded as they were.
  if (said.includes("failed")) {
    expect(said).toContain("failed (host-died)");
    expect(wrote).toBe(false);
  } else expect(summary).toMatchObject({ state: "completed" });
});

test("a host that hangs is given up at the deadline of the hook that is asked", async () => {
  const stop = once("check.intent", "input.model", (pid) => process.kill(pid, "SIGSTOP"));
  const { said, faults, wrote } = await runWith(ALLOWS, stop);
  expect(said).toMatch(/hook `gate` failed \(deadline\): `deadlineMs`: allowed 1500 ms, used \d+ ms/);
  expect(faults).toHaveLength(1);
  expect(wrote).toBe(false);
});

test("a host that answers twice is killed for it, and only its first answer has counted", async () => {
  const tampering = await tamperingNode('if (head.kind === "result") send(head);');
  process.execPath = tampering.path;
  const { said, faults, summary } = await runWith(ALLOWS);
  await tampering.remove();
  expect(said).toMatch(/^fine\n/);
  expect(faults.length).toBeGreaterThan(0);
  // Whether the second answer came before the next question is a matter of microseconds: a host that was idle is replaced, a
  // hook that was asked has failed.
  if (said.includes("failed")) expect(said).toContain("failed (protocol)");
  else expect(summary).toMatchObject({ state: "completed" });
});

describe("a host that breaks the protocol is killed, and its hook blocks", () => {
  const verdict = '{ kind: "verdict", decision: "allow", rationale: "forged" }';
  test.each([
    [
      "answers late, with what it was asked before",
      'if (head.kind !== "result") return; const late = global.late ?? head; global.late = head; send(late); return true;',
      "protocol",
    ],
    [
      "answers for another hook",
      `if (head.kind === "result") { send({ ...head, hook: "other", outcome: ${verdict} }); return true; }`,
      "protocol",
    ],
    [
      "answers before it is asked",
      `if (head.kind === "loaded") { send(head); send({ ...head, kind: "result" }); return true; }`,
      "protocol",
    ],
    [
      "R12 announces a head of 200 MB",
      'if (head.kind === "result") { const prefix = Buffer.alloc(8); prefix.writeUInt32LE(200 << 20); raw(prefix); return true; }',
      "protocol",
    ],
    [
      "sends what is no frame",
      'if (head.kind === "result") { raw(Buffer.from("garbage garbage garbage")); return true; }',
      "protocol",
    ],
    ["says nothing any more", 'return head.kind === "result";', "deadline"],
    [
      "closes its output and lives",
      'if (head.kind === "result") { require("node:fs").closeSync(1); return true; }',
      "deadline",
    ],
    [
      "ends in the middle of an answer",
      'if (head.kind === "result") { raw(Buffer.from([9, 0])); process.exit(3); }',
      "host-died",
    ],
  ])("%s", async (_, tamper, cause) => {
    const tampering = await tamperingNode(tamper);
    process.execPath = tampering.path;
    try {
      const { said, faults, wrote, summary } = await runWith(ALLOWS);
      expect(said).toContain(`failed (${cause})`);
      expect(said).not.toContain("forged");
      expect(faults.length).toBeGreaterThan(0);
      expect(wrote).toBe(false);
      expect(["paused", "completed"]).toContain(summary.state);
    } finally {
      await tampering.remove();
    }
  });
});
