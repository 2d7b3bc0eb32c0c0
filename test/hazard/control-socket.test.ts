import { existsSync, renameSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createConnection, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { lock } from "../../src/journal/lock.ts";
import type { ControlRequest } from "../../src/model/control.ts";
import { MAX_CONTROL_LINE, toControlRequest } from "../../src/model/control.ts";
import { askRun } from "../../src/runtime/control/ask.ts";
import { type ControlSocket, listenIn } from "../../src/runtime/control/socket.ts";
import { runs, seed } from "../support/property.ts";

const PAUSE: ControlRequest = { ask: "pause", by: "ann", wait: false };

let folder: string;
let socket: ControlSocket;
let asked: ControlRequest[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "pinion-socket-"));
  asked = [];
  socket = await listen();
});
afterEach(async () => {
  await socket.close();
  await rm(folder, { recursive: true, force: true });
});

function listen(): Promise<ControlSocket> {
  return listenIn(folder, async (request) => {
    asked.push(request);
    return { ok: { run: "r", met: false } };
  });
}

const path = (): string => join(folder, "control.sock");

/** What comes back until the connection ends. */
function send(...chunks: readonly (string | Uint8Array)[]): Promise<string> {
  return new Promise((resolve) => {
    const client = createConnection(path());
    let text = "";
    client.on("data", (data: Buffer) => {
      text += data.toString();
    });
    client.on("error", () => undefined);
    client.on("close", () => resolve(text));
    for (const chunk of chunks) client.write(chunk);
  });
}

function connected(): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const client = createConnection(path(), () => resolve(client));
    client.on("error", reject);
  });
}

const line = (request: unknown): string => `${JSON.stringify(request)}\n`;

async function expectServes(): Promise<void> {
  expect(JSON.parse(await send(line(PAUSE)))).toEqual({ ok: { run: "r", met: false } });
}

test("a request is one line, in as many pieces as it likes, and gets one line", async () => {
  const text = line({ ask: "revoke", hook: "gate", reason: "é", by: "ann", wait: true });
  const bytes = Buffer.from(text);
  expect(await send(...[...bytes].map((byte) => Uint8Array.of(byte)))).toBe('{"ok":{"run":"r","met":false}}\n');
  expect(asked).toEqual([{ ask: "revoke", hook: "gate", reason: "é", by: "ann", wait: true }]);
});

test("garbage, a line of megabytes, two requests at once, and half a line are refused or ignored, and harm nobody", async () => {
  for (const garbage of [
    "\n",
    "null\n",
    "[]\n",
    "{\n",
    line({ ask: "sing" }),
    line({ ...PAUSE, more: 1 }),
    Buffer.alloc(200, 10),
  ]) {
    expect(JSON.parse(await send(garbage))).toMatchObject({ error: { code: "bad-request" } });
  }
  const huge = "x".repeat(16 * MAX_CONTROL_LINE);
  const answer = await send(huge);
  if (answer !== "") expect(JSON.parse(answer)).toMatchObject({ error: { code: "bad-request" } });
  expect(asked).toEqual([]);
  expect((await send(line(PAUSE) + line(PAUSE))).trimEnd().split("\n")).toHaveLength(1);
  expect(asked).toHaveLength(1);
  const half = await connected();
  half.end('{"ask":"pause"');
  await new Promise((resolve) => half.on("close", resolve));
  await expectServes();
});

test("a property: whatever comes is no request or exactly the request that it says", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: "binary" }),
        fc.json(),
        fc.jsonValue().map((value) => JSON.stringify(value)),
      ),
      (text) => {
        const request = toControlRequest(text);
        if (request !== undefined) expect(JSON.parse(text)).toEqual(request);
      },
    ),
    { seed, numRuns: runs(500, 20_000) },
  );
});

test("a thousand connections that say nothing do not keep others from being heard", async () => {
  const silent: Socket[] = [];
  for (let i = 0; i < runs(1000, 5000); i++) {
    const client = createConnection(path());
    client.on("error", () => undefined);
    silent.push(client);
  }
  // Who is pushed out in the crowd asks again, as the commands do.
  const held = lock(folder);
  expect(await askRun(folder, PAUSE, { left: () => 20_000 })).toEqual({ ok: { run: "r", met: false } });
  held.release();
  expect(asked).toEqual([PAUSE]);
  for (const client of silent) client.destroy();
  await expectServes();
});

test("clients that close early or never read their answer do not hold the socket open", async () => {
  for (let i = 0; i < 50; i++) {
    const early = await connected();
    early.write(line(PAUSE));
    early.destroy();
  }
  const deaf = await connected();
  deaf.pause();
  deaf.write(line(PAUSE));
  await expectServes();
  await socket.close();
  expect(existsSync(path())).toBe(false);
  socket = await listen();
});

test("a socket that a dead process left is replaced, and one that lives is served to the end", async () => {
  await socket.close();
  // What a killed process leaves: a name without anybody behind it.
  const dead = createServer();
  await new Promise<void>((resolve) => dead.listen(join(folder, "other.sock"), resolve));
  renameSync(join(folder, "other.sock"), path());
  await new Promise((resolve) => dead.close(resolve));
  expect(existsSync(path())).toBe(true);
  socket = await listen();
  await expectServes();
});
