import { PassThrough } from "node:stream";
import { setImmediate, setTimeout } from "node:timers/promises";
import { stripVTControlCharacters } from "node:util";
import { render } from "ink";
import { createElement } from "react";
import { expect, it } from "vitest";
import { answerCommands, approvalLines, bounded } from "../../src/cli/approval/lines.ts";
import { piecesOf, wrapped } from "../../src/cli/approval/pieces.ts";
import { Question } from "../../src/cli/view/question.ts";
import { digestOf } from "../../src/model/canonical.ts";
import type { ApprovalAnswer } from "../../src/model/entry.ts";
import type { PendingApproval } from "../../src/runtime.ts";

const ENTER = "\r";
const DOWN = "\u001b[B";
const CTRL_C = "\u0003";

/** Shows a question on a terminal of 80 × 24 and types keys, each when the one before has been drawn. */
async function typed(
  lines: readonly string[],
  keys: readonly string[],
  { mayHold = true, quietMs = 0, everyMs = 0 } = {},
): Promise<{ readonly answers: readonly (ApprovalAnswer | undefined)[]; readonly screen: string }> {
  let written = "";
  const stdout = Object.assign(new PassThrough(), { columns: 80, rows: 24, isTTY: true });
  stdout.on("data", (chunk) => {
    written += String(chunk);
  });
  const stdin = Object.assign(new PassThrough(), {
    isTTY: true,
    setRawMode: () => stdin,
    ref: () => stdin,
    unref: () => stdin,
  });
  const answers: (ApprovalAnswer | undefined)[] = [];
  const onAnswer = (answer: ApprovalAnswer | undefined): void => void answers.push(answer);
  const view = render(createElement(Question, { title: "approval a1", lines, mayHold, quietMs, onAnswer }), {
    stdout: stdout as unknown as NodeJS.WriteStream,
    stdin: stdin as unknown as NodeJS.ReadStream,
    exitOnCtrlC: false,
    patchConsole: false,
    interactive: true,
  });
  await view.waitUntilRenderFlush();
  for (const key of keys) {
    stdin.write(key);
    await (everyMs > 0 ? setTimeout(everyMs) : setImmediate());
    await view.waitUntilRenderFlush();
  }
  view.unmount();
  await view.waitUntilExit();
  return { answers, screen: stripVTControlCharacters(written) };
}

const SHORT = ["  action: w file.write", "  path: out/x"];
const LONG = Array.from({ length: 100 }, (_, index) => `  line ${index + 1}`);

it.each<readonly [string, readonly string[], readonly (ApprovalAnswer | undefined)[]]>([
  ["y approves this one action", ["y"], [{ approve: true, scope: "once" }]],
  ["r approves it for the rest of the run", ["r"], [{ approve: true, scope: "run" }]],
  ["n denies", ["n"], [{ approve: false, reason: "denied at the terminal" }]],
  ["Enter denies", [ENTER], [{ approve: false, reason: "denied at the terminal" }]],
  ["l leaves it waiting", ["l"], [undefined]],
  ["Ctrl-C leaves it waiting", [CTRL_C], [undefined]],
  ["other keys answer nothing", ["x", "1", DOWN], []],
])("%s", async (_, keys, answers) => {
  expect((await typed(SHORT, keys)).answers).toEqual(answers);
});

it("does not approve for the rest of the run where the rule does not let it", async () => {
  const { answers, screen } = await typed(SHORT, ["r"], { mayHold: false });
  expect(answers).toEqual([]);
  expect(screen).not.toContain("for the rest of the run");
});

it("A10 a flood of requests: a key that is held down since the one before answers nothing", async () => {
  const held = await typed(SHORT, ["y", "y", "y", "y"], { quietMs: 1000, everyMs: 400 });
  expect(held.answers).toEqual([]);
  const { answers } = await typed(SHORT, ["x", "y"], { quietMs: 100, everyMs: 400 });
  expect(answers).toEqual([{ approve: true, scope: "once" }]);
});

it("A8 truncation: what does not fit is said in bytes, and nothing is approved before all of it was there to read", async () => {
  const { answers, screen } = await typed(LONG, ["y", "r", " ", "y"]);
  expect(answers).toEqual([]);
  expect(screen).toMatch(/… \d+ more bytes in \d+ lines/);
  expect(screen).toContain("read to the end to approve");
  const read = await typed(LONG, [" ", " ", " ", " ", " ", " ", "y"]);
  expect(read.answers).toEqual([{ approve: true, scope: "once" }]);
  for (const line of LONG) expect(read.screen).toContain(line.trim());
});

it("A8 truncation: a line that is wider than the terminal is shown in pieces, whole", async () => {
  const wide = `  argv: ${"x".repeat(200)}THE-END`;
  const { screen } = await typed([wide], []);
  expect(screen.replaceAll(/\r?\n(↪ )?/g, "")).toContain(wide.trim());
});

it("A8 truncation: what is one character to Unicode, and fills a line, hides nothing behind it", async () => {
  const { screen } = await typed([`  argv: ["ls","${"\u1100".repeat(400)} rm -rf /THE-END"]`], [" ", " ", " "]);
  expect(screen).toContain("THE-END");
  expect(screen.match(/\u1100/g)?.length).toBeGreaterThanOrEqual(400);
});

it("A8 text that is not what runs: nothing that is wide passes for a line of its own", async () => {
  const fields = (text: string) => text.split(/\r?\n/).filter((line) => /^ +(expires|digest):/.test(line));
  const forged = `  argv: ["${"x".repeat(70)}${" ".repeat(152)}`;
  for (let pad = 0; pad < 80; pad += 1) {
    const line = `${forged}${" ".repeat(pad)}digest: sha256:fake"]`;
    for (const columns of [20, 79, 80]) expect(fields(piecesOf(line, columns).join("\n"))).toEqual([]);
    expect(fields(wrapped([line], { isTTY: true, columns: 80 }).join("\n"))).toEqual([]);
  }
  expect(wrapped([forged], { isTTY: false })).toEqual([forged]);
});

const PENDING: PendingApproval = {
  run: "20261121-000000-00000000",
  approval: "a1",
  agent: "lab@1.0.0",
  phase: "pre-tool",
  subject: "w file.write",
  action: digestOf("action"),
  demands: [{ by: "policy p@1.0.0: approvals.writes", scopes: ["once"], expiresMs: 1000, users: ["alice"], keys: [] }],
  requests: [{ hook: "asker", request: { why: "\u202etrust me\u001b[2J" } }],
  scopes: ["once"],
  expires: 1_700_000_000_000,
  expired: false,
  payload: {
    call: {
      tool: "file.write",
      taxon: "workspace",
      origin: "model",
      arguments: { path: "out/\u2066x", content: "one\r\n  digest: sha256:fake\n\u001b]0;title\u0007" },
    },
    resolution: {},
  },
};

it("A8 text that is not what runs: nothing ends a line, moves the cursor, hides, or passes for a field", () => {
  const lines = approvalLines(PENDING);
  for (const line of lines) expect(line).not.toMatch(/[\p{Cc}\p{Bidi_Control}]/u);
  expect(lines.join("\n")).toContain("\\u{202e}trust me");
  expect(lines.join("\n")).toContain('path: "out/\\u{2066}x"');
  expect(lines.filter((line) => line.trimStart().startsWith("digest:"))).toEqual([`  digest: ${PENDING.action}`]);
  expect(lines).toContain("  demanded: policy p@1.0.0: approvals.writes (to be answered by alice)");
});

it("says that an answer must be signed, in the commands that give one", () => {
  const signed = { ...PENDING, demands: PENDING.demands.map((demand) => ({ ...demand, keys: ["ed25519:aa"] })) };
  expect(answerCommands(PENDING)[0]).toBe(`pinion run approve ${PENDING.run} a1`);
  expect(answerCommands(signed)).toEqual([
    `pinion run approve ${PENDING.run} a1 --key FILE`,
    `pinion run deny ${PENDING.run} a1 --key FILE --reason TEXT`,
  ]);
});

it("A8 truncation: a list says how many bytes it leaves out", () => {
  const shown = bounded(LONG, 100, "look elsewhere");
  const left = LONG.slice(shown.length - 1).reduce((sum, line) => sum + line.length + 1, 0);
  expect(shown.at(-1)).toBe(`  … ${left} more bytes; look elsewhere`);
  expect(bounded(SHORT, 100, "look elsewhere")).toEqual(SHORT);
});
