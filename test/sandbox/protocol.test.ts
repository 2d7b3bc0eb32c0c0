import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { digestOf } from "../../src/model/canonical.ts";
import { BARE } from "../../src/sandbox/confinement.ts";
import { FROM_HOST } from "../../src/sandbox/host/wire.ts";
import { Host } from "../../src/sandbox/host.ts";
import { ConfinedProcess, type ProcessOptions } from "../../src/sandbox/process.ts";
import { loadPuppet, outcomeOf } from "../support/guests.ts";

/** A host whose process is this one, and which has any code for every component. */
function hostOn(process: ConfinedProcess): Host {
  const component = async () =>
    ({
      ok: true,
      world: "pinion:hook/hook@1.0.0",
      files: [{ name: "hook.js", size: 0, digest: digestOf("") }],
      body: new Uint8Array(),
    }) as const;
  return new Host({
    process,
    tier: "sandboxed",
    clock: () => performance.now(),
    component,
    deadlines: true,
    loadDeadlineMs: 5000,
  });
}

/** A process that is no hook host but speaks like one. */
function program(statements: string): ProcessOptions {
  const boot = `import { writeSync, readSync } from "node:fs";
    const raw = (...parts) => writeSync(1, Buffer.concat(parts.map((part) => Buffer.from(part))));
    const send = (head) => { const text = Buffer.from(JSON.stringify(head)); const prefix = Buffer.alloc(8); prefix.writeUInt32LE(text.length); raw(prefix, text); };
    ${statements}`;
  return {
    node: process.execPath,
    program: { boot, code: new Uint8Array(), readable: [], args: [] },
    flags: [],
    confinement: BARE,
    bounds: FROM_HOST,
  };
}

describe("a host that speaks garbage is killed", () => {
  test.each([
    ["bytes", 'raw("garbage garbage garbage")'],
    ["a frame that is too large", "raw([0, 0, 0, 255, 0, 0, 0, 0])"],
    ["a body", "raw([2, 0, 0, 0, 1, 0, 0, 0, 123, 125, 0])"],
    ["a head that is not JSON", "raw([1, 0, 0, 0, 0, 0, 0, 0, 123])"],
    ["another message", 'send({ batch: 1, kind: "result", hook: "hook", outcome: {}, fuel: 0, log: [] })'],
    ["a failure of an unknown cause", 'send({ kind: "loaded", ok: false, fuel: 0, cause: "whim", detail: "" })'],
  ])("%s", async (_, statements) => {
    const process = new ConfinedProcess(
      program(`readSync(0, Buffer.alloc(1)); ${statements}; while (readSync(0, Buffer.alloc(65536)) > 0);`),
    );
    const host = hostOn(process);
    await expect(loadPuppet(host, "allows")).rejects.toMatchObject({ fault: "protocol", hook: "hook" });
    expect(host.alive).toBe(false);
    await host.kill();
  });

  test.each([
    [
      "a result of another hook",
      '{ batch: 1, kind: "result", hook: "other", outcome: { kind: "verdict", decision: "allow", rationale: "" }, fuel: 0, log: [] }',
    ],
    [
      "an unknown decision",
      '{ batch: 1, kind: "result", hook: "hook", outcome: { kind: "verdict", decision: "maybe", rationale: "" }, fuel: 0, log: [] }',
    ],
    [
      "a verdict without a rationale",
      '{ batch: 1, kind: "result", hook: "hook", outcome: { kind: "verdict", decision: "allow" }, fuel: 0, log: [] }',
    ],
    [
      "an unknown hostcall",
      '{ batch: 1, kind: "hostcall", hook: "hook", call: "exec", arguments: {}, fuel: 0, log: [] }',
    ],
    [
      "a log of something else",
      '{ batch: 1, kind: "result", hook: "hook", outcome: { kind: "verdict", decision: "allow", rationale: "" }, fuel: 0, log: [{ call: "exec" }] }',
    ],
  ])("%s", async (_, message) => {
    const process = new ConfinedProcess(
      program(
        `const buffer = Buffer.alloc(1 << 16); readSync(0, buffer); send({ kind: "loaded", ok: true, fuel: 0 }); readSync(0, buffer); send(${message}); while (readSync(0, Buffer.alloc(65536)) > 0);`,
      ),
    );
    const host = hostOn(process);
    expect(await loadPuppet(host, "allows")).toMatchObject({ ok: true });
    await expect(outcomeOf(host)).rejects.toMatchObject({ fault: "protocol", hook: "hook" });
    await host.kill();
  });

  test("an event while an answer is awaited", async () => {
    const hostcall = '{ batch: 1, kind: "hostcall", hook: "hook", call: "sleep", arguments: {}, fuel: 0, log: [] }';
    const process = new ConfinedProcess(
      program(`const buffer = Buffer.alloc(1 << 16); const wait = () => readSync(0, buffer);
        wait(); send({ kind: "loaded", ok: true, fuel: 0 }); wait(); send(${hostcall}); send(${hostcall}); wait();`),
    );
    const host = hostOn(process);
    await loadPuppet(host, "allows");
    const session = host.begin({ phase: "audit", payload: "{}", hooks: ["hook"], now: 0, capsules: {} });
    expect(await session.next()).toMatchObject({ call: "sleep" });
    await expect(session.next()).rejects.toMatchObject({ fault: "protocol", hook: "hook" });
    await host.kill();
  });

  test("an answer to an earlier batch", async () => {
    const message =
      '{ batch: 1, kind: "result", hook: "hook", outcome: { kind: "verdict", decision: "allow", rationale: "" }, fuel: 0, log: [] }';
    const process = new ConfinedProcess(
      program(`const buffer = Buffer.alloc(1 << 16); const wait = () => readSync(0, buffer);
        wait(); send({ kind: "loaded", ok: true, fuel: 0 }); wait(); send(${message}); wait(); send(${message}); wait();`),
    );
    const host = hostOn(process);
    await loadPuppet(host, "allows");
    expect(await outcomeOf(host)).toMatchObject({ decision: "allow" });
    await expect(outcomeOf(host)).rejects.toMatchObject({ fault: "protocol" });
    await host.kill();
  });

  test("a second result when the batch is over", async () => {
    const message =
      '{ batch: 1, kind: "result", hook: "hook", outcome: { kind: "verdict", decision: "allow", rationale: "" }, fuel: 0, log: [] }';
    const process = new ConfinedProcess(
      program(
        `const buffer = Buffer.alloc(1 << 16); readSync(0, buffer); send({ kind: "loaded", ok: true, fuel: 0 }); readSync(0, buffer); send(${message}); send(${message}); while (readSync(0, Buffer.alloc(65536)) > 0);`,
      ),
    );
    const host = hostOn(process);
    await loadPuppet(host, "allows");
    expect(await outcomeOf(host)).toMatchObject({ decision: "allow" });
    await expect(outcomeOf(host)).rejects.toMatchObject({ fault: "protocol" });
    await host.kill();
  });
});

test("has one variable, no permissions, and a group of its own", async () => {
  const process = new ConfinedProcess(
    program('send({ kind: "loaded", ok: true, fuel: 0 }); while (readSync(0, Buffer.alloc(65536)) > 0);'),
  );
  const ready = new Promise((resolve, reject) => process.listen({ frame: resolve, end: reject }));
  await ready;
  const status = readFileSync(`/proc/${process.pid}/environ`, "utf8");
  // glibc cuts it up where it reads it.
  expect(status).toMatch(/^GLIBC_TUNABLES=(?:glibc\.malloc\.\w+[=:\0]\w*[:\0]?)+$/);
  const [, , group] = readFileSync(`/proc/${process.pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  expect(Number(group)).toBe(process.pid);
  await process.kill();
});

test("N4 what a killed process leaves in its group is killed too: nobody waits for it", async () => {
  // As when something kills what stands around Node before it has tied Node's life to its own.
  const wrap = () => ["/bin/sh", "-c", "sleep 600 & kill -KILL $$"] as const;
  const process = new ConfinedProcess({ ...program(""), confinement: { tools: [], wrap } });
  await process.gone;
  expect(process.fault).toMatchObject({ fault: "host-died" });
  await process.kill();
});
