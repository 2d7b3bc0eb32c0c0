import { copyFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type VerifyResult, verifyRecordings } from "../../harness/index.ts";
import { readRunKey } from "../../src/journal/keys.ts";
import { canonicalJson, digestOf } from "../../src/model/canonical.ts";
import { isJsonObject, type JsonObject } from "../../src/model/json.ts";
import type { RunSummary } from "../../src/runtime.ts";
import { forge, type Open } from "../support/forger.ts";
import type { Lab } from "../support/lab.ts";
import { sampleRun } from "./sample.ts";

let lab: Lab;
let summary: RunSummary;
beforeAll(async () => {
  ({ lab, summary } = await sampleRun());
});
afterAll(() => lab.close());

const recorded = (): string => join(lab.root, "out.jsonl");

/** What `harness verify` finds in a copy of the recording that was forged with the run's key. */
async function found(
  change: (entry: Open, seq: number) => readonly Open[],
  header?: (header: JsonObject) => JsonObject,
) {
  const file = join(lab.root, "forged.jsonl");
  await copyFile(recorded(), file);
  const key = readRunKey(join(lab.env.stateDir, "keys", `${summary.run}.key`)) ?? new Uint8Array();
  await forge(file, { key, run: summary.run, ...(header === undefined ? {} : { header }) }, change);
  const result = await verifyRecordings([file], {}, lab.env);
  return { ...findings(result), exit: result.exit };
}

function findings({ recordings: [first] }: VerifyResult) {
  const all = (first?.checks ?? []).flatMap(({ check, findings }) =>
    findings.map(({ seq, message }) => `${check}${seq === undefined ? "" : ` ${seq}`}: ${message}`),
  );
  return { all, chain: first?.checks[0]?.result };
}

const isBoundary = (entry: Open, phase: string, call?: string): boolean =>
  entry.kind === "check.boundary" &&
  entry.body.phase === phase &&
  (call === undefined || String(entry.body.subject).startsWith(`${call} `));

const isIntent = (entry: Open, call: string): boolean =>
  entry.kind === "check.intent" && isJsonObject(entry.body.ref) && entry.body.ref.call === call;

const changed = (entry: Open, body: JsonObject): Open => ({ ...entry, body: { ...entry.body, ...body } });

/** Where an entry stands, and its digest: what a receipt names. */
async function receiptTo(matches: (entry: Open) => boolean): Promise<JsonObject> {
  const lines = (await readFile(recorded(), "utf8")).split("\n").slice(1);
  const seq = lines.findIndex((line) => line !== "" && matches(JSON.parse(line)));
  return { seq, entry: digestOf(lines[seq] ?? "") };
}

/** A boundary whose call has other arguments, with the digest that goes with them. */
function withPayload(entry: Open, payload: JsonObject): Open {
  return changed(entry, { payload, digest: digestOf(canonicalJson(payload)) });
}

test("D12 a forged recording: one that was rewritten to say the same passes, but for the checkpoint that it can no longer carry", async () => {
  expect(await found((entry) => [entry])).toEqual({ all: [], chain: "ok", exit: 0 });
  const file = join(lab.root, "forged.jsonl");
  const checkpoints = [join(lab.env.stateDir, "runs", summary.run, "checkpoints.jsonl")];
  const { recordings, exit } = await verifyRecordings([file], { checkpoints }, lab.env);
  expect(exit).toBe(5);
  expect(recordings[0]?.checks[1]).toMatchObject({ check: "checkpoints", result: "failed" });
});

test("D12 a forged recording: an effect without an intent, and an intent without a receipt", async () => {
  const without = await found((entry) => (isIntent(entry, "write") ? [] : [entry]));
  expect(without.all).toContainEqual(expect.stringMatching(/^receipts \d+: is an effect that no intent announces$/));

  const bare = await found((entry) => {
    if (!isIntent(entry, "write")) return [entry];
    const { receipt: _, ...body } = entry.body;
    return [{ ...entry, body }];
  });
  expect(bare.all).toContainEqual(expect.stringMatching(/^receipts \d+: it carries no receipt$/));
  expect([without.exit, bare.exit]).toEqual([5, 5]);
});

test("D12 a forged recording: a receipt that names what blocked, another call, another phase, or no boundary", async () => {
  const receipts = {
    "is another call's": await receiptTo((entry) => isBoundary(entry, "pre-tool", "read")),
    blocked: await receiptTo((entry) => isBoundary(entry, "pre-tool", "no")),
    "is another phase's": await receiptTo((entry) => isBoundary(entry, "pre-send")),
    "is no boundary": await receiptTo((entry) => entry.kind === "check.state"),
  };
  const said: Record<string, readonly string[]> = {};
  for (const [name, receipt] of Object.entries(receipts)) {
    const { all, exit } = await found((entry, seq) => {
      if (!isIntent(entry, "write")) return [entry];
      return [changed(entry, { receipt: Number(receipt.seq) < seq ? receipt : { ...receipt, seq: seq - 1 } })];
    });
    expect(exit, name).toBe(5);
    said[name] = all.filter((one) => one.startsWith("receipts"));
  }
  expect(said["is another call's"]).toContainEqual(
    expect.stringMatching(/is about another call \(`read` `file.read`\)/),
  );
  expect(said["is another phase's"]).toContainEqual(
    expect.stringMatching(/a boundary of `pre-send`, expected one of `pre-tool`/),
  );
  expect(said["is no boundary"]).toContainEqual(expect.stringMatching(/which is no boundary of its step/));
  expect(said.blocked).toHaveLength(1);
});

test("D12 a forged recording: a boundary that blocked is made the receipt of an effect", async () => {
  const { all } = await found((entry) => {
    if (!isBoundary(entry, "pre-tool", "no")) return [entry];
    const call = { id: "no", tool: "file.read" };
    return [
      entry,
      {
        kind: "check.intent",
        body: { kind: "input.tool", ref: { call: "no", tool: call.tool }, receipt: null, taxon: "workspace" },
      },
    ];
  });
  expect(all).toContainEqual(expect.stringMatching(/^receipts \d+: it carries no receipt$/));
});

test("D12 a forged recording: an effect that happened twice under one receipt", async () => {
  const kept: Open[] = [];
  const { all } = await found((entry) => {
    const isOutcome = entry.kind === "input.tool" && isJsonObject(entry.body.ref) && entry.body.ref.call === "write";
    if (isIntent(entry, "write")) kept.push(entry);
    return isOutcome ? [entry, ...kept, entry] : [entry];
  });
  expect(all).toContainEqual(expect.stringMatching(/^receipts \d+: its receipt was used before, by seq \d+$/));
});

test("D12 a forged recording: other arguments or another resolution than were gated", async () => {
  for (const part of ["arguments", "resolution"] as const) {
    const { all } = await found((entry) => {
      if (entry.kind !== "input.tool" || entry.content === undefined || !isJsonObject(entry.content.request))
        return [entry];
      const { request } = entry.content;
      if (!isJsonObject(request.arguments) || request.arguments.path !== "out/made.txt") return [entry];
      const forged = { ...request, [part]: { ...(request[part] as JsonObject), path: "out/other.txt" } };
      return [{ ...entry, content: { ...entry.content, request: forged } }];
    });
    expect(all).toEqual([
      expect.stringMatching(`^payloads \\d+: the \`${part}\` of what was done is not what seq \\d+ let through$`),
    ]);
  }
});

test("D12 a forged recording: what the model said and what a tool answered are what the gates behind them saw", async () => {
  const retold = (name: string, value: JsonObject) =>
    found((entry) => {
      const { content } = entry;
      const about = isJsonObject(entry.body.ref) ? entry.body.ref : {};
      const isIt = entry.kind === name && (about.step === 1 || about.call === "read");
      if (!isIt || content === undefined || content.outcome.kind !== "ok") return [entry];
      const outcome = { ...content.outcome, value: { ...(content.outcome.value as JsonObject), ...value } };
      return [{ ...entry, content: { ...content, outcome } }];
    });
  const { all: said } = await retold("input.model", { text: "something else", toolCalls: [] });
  expect(said).toEqual([
    expect.stringMatching(/^payloads \d+: its `text`, `toolCalls` are not what the model answered$/),
  ]);
  const { all: answered } = await retold("input.tool", { content: "another secret" });
  expect(answered).toEqual([
    expect.stringMatching(/^payloads \d+: the result that it tells is not what the world answered$/),
  ]);
});

test("D12 a forged recording: what was gated is not what the model asked for, nor what came in", async () => {
  const { all } = await found((entry) => {
    const { payload } = entry.body;
    if (!isBoundary(entry, "pre-tool", "write") || !isJsonObject(payload) || !isJsonObject(payload.call))
      return [entry];
    const call = { ...payload.call, arguments: { path: "out/made.txt", content: "other", createDirectories: true } };
    return [withPayload(entry, { ...payload, call })];
  });
  expect(all).toContainEqual(expect.stringMatching(/^payloads \d+: its arguments are not those of the model's turn/));
  expect(all).toContainEqual(expect.stringMatching(/^payloads \d+: what it let through is not what came in/));
  expect(all).toContainEqual(expect.stringMatching(/^payloads \d+: the `arguments` of what was done/));
});

test("A4 approve one thing, run another: an action is named by what stands there, and an intent announces that action", async () => {
  const other = digestOf("another action");
  const boundary = await found((entry) =>
    isBoundary(entry, "pre-tool", "write") ? [changed(entry, { action: other })] : [entry],
  );
  expect(boundary.all).toEqual([
    expect.stringMatching(/^payloads \d+: the action that it names is not the one that it let through$/),
    expect.stringMatching(/^payloads \d+: what it announces is not what seq \d+ let through$/),
  ]);
  const intent = await found((entry) => (isIntent(entry, "write") ? [changed(entry, { action: other })] : [entry]));
  expect(intent.all).toEqual([expect.stringMatching(/^payloads \d+: what it announces is not/)]);
  const sent = await found((entry) =>
    entry.kind === "check.intent" && entry.body.kind === "input.model" ? [changed(entry, { digest: other })] : [entry],
  );
  expect(sent.all).toHaveLength(2);
});

test("D12 a forged recording: a hook that was not asked, one with other bytes, and a verdict that does not allow", async () => {
  const verdictsOf = (entry: Open): readonly JsonObject[] => entry.body.verdicts as unknown as readonly JsonObject[];
  const forgeries: Record<string, (verdicts: readonly JsonObject[]) => readonly JsonObject[]> = {
    "has no verdict of `gate`": (verdicts) => verdicts.slice(1),
    "are not those of the pinned chain": (verdicts) =>
      verdicts.map((verdict) => ({ ...verdict, digest: digestOf("other") })),
    "said `block`": (verdicts) => verdicts.map((verdict) => ({ ...verdict, decision: "block" })),
  };
  for (const [said, change] of Object.entries(forgeries)) {
    const { all, exit } = await found((entry) =>
      isBoundary(entry, "pre-tool", "write") ? [changed(entry, { verdicts: [...change(verdictsOf(entry))] })] : [entry],
    );
    expect(exit).toBe(5);
    expect(all).toEqual([expect.stringContaining(said)]);
    expect(all[0]).toMatch(/^hooks \d+: /);
  }
});

test("D12 a forged recording: a boundary that blocked is made to allow, and a permission that no layer gives", async () => {
  const allowed = await found((entry) =>
    isBoundary(entry, "pre-tool", "no") ? [changed(entry, { decision: "allow" })] : [entry],
  );
  expect(allowed.all).toContainEqual(
    expect.stringMatching(/^hooks \d+: it is said to allow, but hook `second` said `block`$/),
  );

  const outside = await found((entry) => {
    const { payload } = entry.body;
    if (!isBoundary(entry, "pre-tool", "write") || !isJsonObject(payload) || !isJsonObject(payload.call))
      return [entry];
    const call = { ...payload.call, arguments: { path: "elsewhere.txt", content: "made" } };
    const resolution = { ...(payload.resolution as JsonObject), path: "elsewhere.txt" };
    return [withPayload(entry, { ...payload, call, resolution })];
  });
  expect(outside.all).toContainEqual(
    expect.stringMatching(/^permission \d+: it allows what is not permitted: .*filesystem.write/),
  );
});

test("D12 a forged recording: pins that were swapped, and limits that are not those of the blueprint", async () => {
  const swapped = await found(
    (entry) => [entry],
    ({ pins, ...header }) => ({
      ...header,
      pins: (pins as unknown as JsonObject[]).filter(({ name }) => name !== "gate"),
    }),
  );
  expect(swapped.all).toContainEqual(expect.stringMatching(/^pins: the header's `pins` is not that of its blueprint/));
  const wider = await found(
    (entry) => [entry],
    (header) => ({ ...header, limits: { ...(header.limits as JsonObject), steps: 99 } }),
  );
  expect(wider.all).toContainEqual(expect.stringMatching(/^pins: the header's `limits`/));
  const marked = await found(
    (entry) => [entry],
    (header) => ({ ...header, debug: { failOpen: ["gate"] } }),
  );
  expect(marked.all).toEqual(["pins: the header has a member `debug` that no run has"]);
});
