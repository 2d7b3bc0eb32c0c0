import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { verifyRecordings } from "../../harness/index.ts";
import { readRunKey } from "../../src/journal/keys.ts";
import type { JsonObject } from "../../src/model/json.ts";
import { type RunSummary, resumeRun } from "../../src/runtime.ts";
import { once } from "../support/burglar.ts";
import { forge, type Open } from "../support/forger.ts";
import { Lab, scriptedHook } from "../support/lab.ts";
import { entryOf, keyOf, signInBlueprint, writeKeyring } from "../support/signing.ts";

let lab: Lab;
beforeEach(async () => {
  lab = await Lab.open();
  await lab.file("a.txt", "first");
});
afterEach(() => lab.close());

const READ = { calls: [{ id: "read", tool: "file.read", arguments: { path: "a.txt" } }] };
const AGAIN = { calls: [{ id: "again", tool: "file.read", arguments: { path: "a.txt" } }] };
const DONE = { text: "Done." };

/** What one check says of the recording. */
async function check(name: string) {
  const { recordings } = await verifyRecordings([join(lab.root, "out.jsonl")], {}, lab.env);
  return recordings[0]?.checks.find((one) => one.check === name);
}

/** Rewrites the recording as who holds the run's key could. */
async function forged(
  { run }: Pick<RunSummary, "run">,
  change: (entry: Open, seq: number) => readonly Open[],
  header: (header: JsonObject) => JsonObject = (same) => same,
): Promise<void> {
  const key = readRunKey(join(lab.env.stateDir, "keys", `${run}.key`)) ?? new Uint8Array();
  await forge(join(lab.root, "out.jsonl"), { key, run, header }, change);
}

test("D12 a forged recording: a hook that was trusted bears the signature of whom the header names; what this machine knows of the key decides nothing", async () => {
  const [alice, mallory] = [keyOf(1), keyOf(2)];
  const warden = await scriptedHook("return allow('fine')", { name: "warden", phases: ["pre-tool"] });
  const file = await lab.blueprint({ hooks: [warden], chain: { "pre-tool": ["warden"] }, turns: [READ, DONE] });
  await signInBlueprint(lab, { file, hook: "warden", key: alice });
  writeKeyring(lab, { keys: [entryOf(alice)] });
  const summary = await lab.run(file);
  expect(await check("signatures")).toMatchObject({
    result: "ok",
    notes: [expect.stringContaining("as `alice` (Alice)")],
  });

  writeKeyring(lab, { revoked: [{ key: alice.publicKey.text, at: "2026-11-21T00:00:00.000Z", reason: "lost" }] });
  expect(await check("signatures")).toMatchObject({ result: "ok", notes: [expect.stringContaining("was revoked on")] });

  const recorded = await readFile(join(lab.root, "out.jsonl"), "utf8");
  const claims: readonly [JsonObject, string][] = [
    [{ warden: { id: "alice", key: mallory.publicKey.text } }, "it is signed by"],
    [{}, "does not say who was trusted for it"],
    [
      { warden: { id: "alice", key: alice.publicKey.text }, other: { id: "alice", key: alice.publicKey.text } },
      "pins no signature of it",
    ],
  ];
  for (const [trust, said] of claims) {
    await writeFile(join(lab.root, "out.jsonl"), recorded);
    await forged(
      summary,
      (entry) => [entry],
      (header) => ({ ...header, trust }),
    );
    const { findings } = (await check("signatures")) ?? {};
    expect(findings).toEqual([{ message: expect.stringContaining(said) }]);
  }
});

const WIDER = "capability://fs/workspace/**?action=read,write&uses=2";
const DERIVED = { lease: "lease-2", event: "delegated", parent: "lease-1", capability: WIDER };

/** An entry of the books of leases that says something else. */
const booked = (entry: Open, more: JsonObject): Open => ({ ...entry, body: { ...entry.body, ...more } });

/** A boundary whose gates were shown another capability of the lease. */
function named(entry: Open, capability: string): Open {
  if (entry.kind !== "check.boundary" || entry.body.phase !== "pre-tool") return entry;
  const payload = entry.body.payload as JsonObject;
  const [first] = payload.leases as unknown as readonly JsonObject[];
  return booked(entry, { payload: { ...payload, leases: [{ ...first, capability }] } });
}

test("D12 a forged recording: a lease that is used before it is there, after it was revoked, too often, not at all, or for more than it is", async () => {
  const file = await lab.blueprint({ turns: [READ, AGAIN, DONE] });
  await withLeases(file, { require: ["fs"], grant: ["capability://fs/workspace/**?action=read&uses=2"] });
  const summary = await lab.run(file);
  expect(summary).toMatchObject({ state: "completed", blocked: 0 });
  expect(await check("leases")).toMatchObject({ result: "ok", message: "1 leases, used 2 times" });

  const recorded = await readFile(join(lab.root, "out.jsonl"), "utf8");
  const isUse = ({ kind, body }: Open): boolean => kind === "check.lease" && body.event === "used";
  const made: Open[] = [];
  const forgeries: readonly [(entry: Open) => readonly Open[], RegExp][] = [
    [(one) => (one.kind === "check.lease" && one.body.event === "minted" ? [] : [one]), /was never made/],
    [(one) => (isUse(one) && one.body.call === "read" ? [] : [one]), /has not used the leases that let it through/],
    [
      (one) => (isUse(one) ? [{ ...one, body: { ...one.body, event: "revoked" } }, one] : [one]),
      /is used, and it has been revoked/,
    ],
    [
      (one) => {
        if (isUse(one)) made.push(one);
        return isUse(one) && made.length === 1 ? [one, one] : [one];
      },
      /had 1 uses left, and has 1 after one more/,
    ],
    [(one) => [isUse(one) ? booked(one, { capability: WIDER }) : one], /is not the one that was made/],
    [(one) => [one.kind === "check.lease" ? booked(one, { holder: "hook:warden" }) : one], /not the agent/],
    [(one) => [named(one, WIDER)], /lets through more than lease `lease-1` allows: the action `write`/],
    [
      (one) => (one.body.event === "minted" ? [one, booked(one, DERIVED)] : [one]),
      /`lease-2` is more than the one that it comes from: the action `write`/,
    ],
  ];
  for (const [change, said] of forgeries) {
    await writeFile(join(lab.root, "out.jsonl"), recorded);
    await forged(summary, change);
    const { findings = [] } = (await check("leases")) ?? {};
    expect(findings.map(({ message }) => message)).toContainEqual(expect.stringMatching(said));
  }
});

test("D12 a forged recording: a call without the lease that it needs, and one whose lease covers something else", async () => {
  const file = await lab.blueprint({ turns: [READ, DONE] });
  await withLeases(file, { require: ["fs"], grant: ["capability://fs/workspace/a.txt?action=read"] });
  const summary = await lab.run(file);
  expect(await check("permission")).toMatchObject({ result: "ok" });
  const recorded = await readFile(join(lab.root, "out.jsonl"), "utf8");
  for (const [leases, said] of [
    [undefined, "`fs` needs a lease, and it names none"],
    ["capability://fs/workspace/b.txt?action=read", "no lease that it names covers what it does to `fs`"],
  ] as const) {
    await writeFile(join(lab.root, "out.jsonl"), recorded);
    await forged(summary, (entry) => {
      if (entry.kind !== "check.boundary" || entry.body.phase !== "pre-tool") return [entry];
      const { leases: named, ...payload } = entry.body.payload as JsonObject;
      const [first] = named as unknown as readonly JsonObject[];
      const forged = leases === undefined ? {} : { leases: [{ ...first, capability: leases }] };
      return [{ ...entry, body: { ...entry.body, payload: { ...payload, ...forged } } }];
    });
    const { findings = [] } = (await check("permission")) ?? {};
    expect(findings.map(({ message }) => message)).toContain(said);
  }
});

test("D12 a forged recording: what a run says it may do is what its layers allow", async () => {
  const summary = await lab.run(await lab.blueprint({ turns: [READ, DONE] }));
  await forged(summary, (entry) => {
    if (entry.kind !== "check.permission") return [entry];
    return [{ ...entry, body: { ...entry.body, limits: { ...(entry.body.limits as JsonObject), steps: 99 } } }];
  });
  expect(await check("permission")).toMatchObject({
    findings: [{ message: "what the run says it may do is not what its layers allow" }],
  });
});

test("L9 an effect done and its record lost: an intent without an outcome is told where the run was interrupted, and refused where it ended", async () => {
  const summary = await lab.run(await lab.blueprint({ turns: [READ, DONE] }));
  const receipts = async (target: string) => {
    const { recordings } = await verifyRecordings([target], {}, lab.env);
    return recordings[0]?.checks.find((one) => one.check === "receipts");
  };
  await forged(summary, (entry) => (entry.kind === "input.tool" ? [] : [entry]));
  expect(await receipts(join(lab.root, "out.jsonl"))).toMatchObject({
    findings: [{ message: expect.stringMatching(/^stands where the outcome of seq \d+ must stand$/) }],
  });
  await lab.crash(summary, "check.intent", "input.tool");
  expect(await receipts(summary.run)).toMatchObject({
    result: "ok",
    notes: [expect.stringMatching(/^seq \d+ has no outcome: the run was interrupted there/)],
  });
  await resumeRun({ run: summary.run, by: "alice", ...lab.watching }, lab.env);
  expect(await receipts(summary.run)).toMatchObject({ result: "ok", notes: [] });
});

test("D12 a forged recording: what a hook did to files stands on its grants and on its own hostcall", async () => {
  await lab.file("out/old", "here before");
  await once(lab, `files.write(files.openRoot("out"), "made", bytes("by a hook")); return "written";`);
  expect(await check("receipts")).toMatchObject({ result: "ok" });
  const recorded = await readFile(join(lab.root, "out.jsonl"), "utf8");
  const summary = JSON.parse(recorded.split("\n")[0] ?? "") as { run: string };
  const forgeries: readonly [(entry: Open) => readonly Open[], RegExp][] = [
    [
      (one) => (one.body.call === "files.write" ? [] : [one]),
      /no hostcall `files.write` of hook `burglar` comes before it/,
    ],
    [(one) => (isIntent(one) ? [] : [one]), /is an effect that no intent announces/],
    [
      (one) =>
        isIntent(one) ? [{ ...one, body: { ...one.body, ref: { hook: "other", operation: "write" } } }] : [one],
      /names no hook `other`/,
    ],
    [(one) => (one.kind === "check.hooks" ? [withoutGrants(one)] : [one]), /which has no grant to write/],
  ];
  for (const [change, said] of forgeries) {
    await writeFile(join(lab.root, "out.jsonl"), recorded);
    await forged(summary, change);
    const { findings = [] } = (await check("receipts")) ?? {};
    expect(findings.map(({ message }) => message)).toContainEqual(expect.stringMatching(said));
  }
});

const isIntent = ({ kind, body }: Open): boolean => kind === "check.intent" && body.kind === "input.file";

function withoutGrants(entry: Open): Open {
  const hooks = entry.body.hooks as unknown as readonly JsonObject[];
  return {
    ...entry,
    body: { ...entry.body, hooks: hooks.map((hook) => ({ ...hook, authority: { tools: [], files: [] } })) },
  };
}

async function withLeases(file: string, leases: JsonObject): Promise<void> {
  const blueprint = parse(await readFile(file, "utf8")) as { spec: JsonObject };
  await writeFile(
    file,
    stringify({ ...blueprint, spec: { ...blueprint.spec, leases } }, { aliasDuplicateObjects: false }),
  );
}
