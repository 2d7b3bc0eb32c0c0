import { PassThrough } from "node:stream";
import { stripVTControlCharacters } from "node:util";
import { render } from "ink";
import { createElement } from "react";
import { expect, it } from "vitest";
import { App } from "../../src/cli/view/app.ts";
import { Feed } from "../../src/cli/view/feed.ts";
import { digestOf } from "../../src/model/canonical.ts";
import type { EntryKind } from "../../src/model/entry.ts";
import type { JsonObject } from "../../src/model/json.ts";

/** A stream that looks like a terminal and keeps what is written to it. */
function terminal(columns: number): { stream: NodeJS.WriteStream; written(): string } {
  let text = "";
  const stream = Object.assign(new PassThrough(), { columns, rows: 40, isTTY: true });
  stream.on("data", (chunk) => {
    text += String(chunk);
  });
  return { stream: stream as unknown as NodeJS.WriteStream, written: () => text };
}

function entry(kind: EntryKind, body: JsonObject) {
  return { seq: 1, kind, prev: digestOf(""), body };
}

async function show(columns: number, tell: (feed: Feed, flush: () => Promise<void>) => Promise<void>): Promise<string> {
  const { stream, written } = terminal(columns);
  const feed = new Feed();
  let clock = 0;
  const now = () => {
    clock += 100;
    return clock;
  };
  const options = { stdout: stream, exitOnCtrlC: false, patchConsole: false, interactive: true };
  const view = render(createElement(App, { feed, now }), options);
  await tell(feed, () => view.waitUntilRenderFlush());
  feed.end();
  await view.waitUntilRenderFlush();
  view.unmount();
  await view.waitUntilExit();
  return written();
}

const usage = { inputTokens: 40, outputTokens: 2 };
const agent = { name: "reviewer", version: "1.0.0", blueprint: "sha256:ab" };

it("shows every line of the timeline once, and what the run waits for below", async () => {
  const screen = await show(80, async (feed, flush) => {
    feed.entry(entry("input.start", { ref: { run: "r1" } }));
    feed.entry(entry("check.boundary", { phase: "pre-plan", step: 1, decision: "allow", payload: { agent, usage } }));
    await flush();
    feed.entry(entry("check.intent", { kind: "input.model", ref: { model: "scripted:x" } }));
    await flush();
    feed.entry(entry("check.refused", { tool: "rm", reason: "there is no such tool" }));
    feed.notice("tools run unconfined");
    await flush();
  });
  expect(screen.match(/run r1/g)).toHaveLength(1);
  expect(screen.match(/rm refused: there is no such tool/g)).toHaveLength(1);
  expect(screen).toContain("tools run unconfined");
  expect(screen).toMatch(/reviewer 1\.0\.0 · step 1 · \d+\.\d s · 42 tokens · scripted:x thinks/);
});

it("leaves no moving line behind", async () => {
  const screen = await show(80, async (feed, flush) => {
    feed.entry(entry("check.boundary", { phase: "pre-plan", step: 1, decision: "allow", payload: { agent, usage } }));
    await flush();
  });
  const afterLastErase = screen.split("\u001b[2K").at(-1) ?? "";
  expect(afterLastErase).not.toContain("tokens");
});

it("never writes wider than the terminal", async () => {
  const text = "a rather long explanation of what I am about to do ".repeat(6);
  const screen = await show(60, async (feed, flush) => {
    feed.entry(entry("check.boundary", { phase: "post-receive", step: 1, decision: "allow", payload: { text } }));
    await flush();
  });
  const plain = stripVTControlCharacters(screen);
  for (const line of plain.split(/\r?\n/)) expect(line.length).toBeLessThanOrEqual(60);
});
