import { cp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type VerifyResult, verifyRecordings } from "../../harness/index.ts";
import { readRunKey } from "../../src/journal/keys.ts";
import type { RunSummary } from "../../src/runtime.ts";
import { forge } from "../support/forger.ts";
import type { Lab } from "../support/lab.ts";
import { sampleRun } from "./sample.ts";

let lab: Lab;
let summary: RunSummary;
beforeAll(async () => {
  ({ lab, summary } = await sampleRun());
});
afterAll(() => lab.close());

const recorded = (): string => join(lab.root, "out.jsonl");

test("a recording with a child passes every check that can be made, as a file, as a folder and by its id", async () => {
  for (const target of [recorded(), join(lab.env.stateDir, "runs", summary.run), summary.run]) {
    const { recordings, exit } = await verifyRecordings([target], {}, lab.env);
    expect(exit).toBe(0);
    expect(recordings[0]?.checks.map(({ check, result }) => `${check} ${result}`)).toEqual([
      "chain ok",
      "checkpoints ok",
      "pins ok",
      "signatures ok",
      "hooks ok",
      "permission ok",
      "leases ok",
      "approvals ok",
      "receipts ok",
      "payloads ok",
      "children ok",
    ]);
    expect(recordings).toHaveLength(target === recorded() ? 2 : 1);
  }
});

test("an artifact that is not here is said, one that was changed is refused, and one in a folder that is given is found", async () => {
  const store = join(lab.env.dataDir, "store");
  const scattered = join(lab.root, "elsewhere");
  const { pins } = JSON.parse((await readFile(recorded(), "utf8")).split("\n")[0] ?? "") as {
    pins: { digest: string }[];
  };
  const hex = pins[1]?.digest.slice("sha256:".length) ?? "";
  const path = join("sha256", hex.slice(0, 2), hex);
  const bytes = await readFile(join(store, path));
  const pinsOf = async (artifacts: readonly string[] = []) =>
    (await verifyRecordings([recorded()], { artifacts }, lab.env)).recordings[0]?.checks[2];
  try {
    await rm(join(store, path));
    expect(await pinsOf()).toMatchObject({ result: "unchecked", notes: [expect.stringContaining("no artifact")] });
    await writeFile(join(store, path), "other bytes");
    expect(await pinsOf()).toMatchObject({
      result: "failed",
      findings: [{ message: expect.stringContaining("is damaged") }],
    });
    await rm(join(store, path));
    await cp(store, scattered, { recursive: true });
    await writeFile(join(scattered, path), bytes);
    expect(await pinsOf([scattered])).toMatchObject({ result: "ok" });
  } finally {
    await writeFile(join(store, path), bytes, { mode: 0o600 });
  }
});

test("without the run's key what stands in clear is verified, and what is sealed is said not to be", async () => {
  const key = join(lab.env.stateDir, "keys", `${summary.run}.key`);
  const bytes = await readFile(key);
  await rm(key);
  try {
    const { recordings, exit } = await verifyRecordings([recorded()], {}, lab.env);
    expect(exit).toBe(0);
    expect(recordings[0]?.checks.find(({ check }) => check === "payloads")).toMatchObject({
      result: "ok",
      notes: [expect.stringContaining("were not compared")],
    });
  } finally {
    await writeFile(key, bytes, { mode: 0o600 });
  }
});

test("a child with more than its parent hands down, and one of another parent, are found", async () => {
  const [child = ""] = (await readdir(lab.root)).filter((name) => name === "out.child-1.jsonl");
  const original = await readFile(join(lab.root, child), "utf8");
  const [head = "{}"] = original.split("\n");
  const { run } = JSON.parse(head) as { run: string };
  const key = readRunKey(join(lab.env.stateDir, "keys", `${run}.key`)) ?? new Uint8Array();
  const childrenOf = async () =>
    (await verifyRecordings([recorded()], {}, lab.env)).recordings[0]?.checks.find(({ check }) => check === "children");
  try {
    await forge(join(lab.root, child), { key, run, header: (header) => ({ ...header, inherited: [] }) }, (entry) => [
      entry,
    ]);
    expect(await childrenOf()).toMatchObject({
      findings: [{ message: expect.stringContaining("layers of permission") }],
    });
    await writeFile(join(lab.root, child), original);
    await forge(
      join(lab.root, child),
      { key, run, header: (header) => ({ ...header, parent: "another" }) },
      (entry) => [entry],
    );
    expect(await childrenOf()).toMatchObject({
      findings: [{ message: expect.stringContaining("no child of this one") }],
    });
  } finally {
    await writeFile(join(lab.root, child), original);
  }
});

test("L3 a flipped bit: nothing of a damaged recording is believed, and the command says where and exits with 5", async () => {
  const file = join(lab.root, "flipped.jsonl");
  const bytes = await readFile(recorded());
  const middle = Math.floor(bytes.length / 2);
  bytes.writeUInt8(bytes.readUInt8(middle) ^ 1, middle);
  await writeFile(file, bytes);
  const { code, stdout } = await lab.finished("harness", ["verify", file]);
  expect(code).toBe(5);
  expect(stdout).toMatch(/FAILED\s+chain .*line \d+/);
  expect(stdout).toMatch(/not checked\s+receipts .*damaged/);
});

test.each(["1", "2", "3"])(
  "D9 a recording of kernel version %s still verifies, as far as it goes without its artifacts",
  async (kernel) => {
    const file = new URL(`../vectors/kernel-${kernel}.jsonl`, import.meta.url).pathname;
    const { recordings, exit } = await verifyRecordings([file], {}, lab.env);
    expect(exit).toBe(0);
    const results = recordings[0]?.checks.map(({ check, result }) => [check, result]);
    expect(Object.fromEntries(results ?? [])).toMatchObject({
      chain: "ok",
      receipts: "ok",
      pins: "unchecked",
      hooks: "unchecked",
    });
  },
);

test("the recording of a child that is named beside its parent is told once, and a checkpoint that is given is counted", async () => {
  const child = join(lab.root, "out.child-1.jsonl");
  const kept = join(lab.env.stateDir, "runs", summary.run, "checkpoints.jsonl");
  const { code, stdout } = await lab.finished("harness", ["verify", child, recorded(), "--checkpoint", kept, "--json"]);
  expect(code).toBe(0);
  const { recordings } = JSON.parse(stdout) as VerifyResult;
  expect(recordings.map(({ run, parent }) => [run === summary.run, parent])).toEqual([
    [true, null],
    [false, summary.run],
  ]);
  expect(recordings[0]?.checks[1]?.message).toMatch(/^anchored at entry \d+ by key/);
});

test("the command prints a table, or one JSON object, and exits with 0", async () => {
  const text = await lab.finished("harness", ["verify", recorded()]);
  expect(text).toMatchObject({ code: 0, stderr: "" });
  expect(text.stdout).toMatch(/ok {2}receipts {5}\d+ effects, each let through by a boundary of its own/);
  const json = await lab.finished("harness", ["verify", summary.run, "--json"]);
  expect(JSON.parse(json.stdout)).toMatchObject({ exit: 0, recordings: [{ run: summary.run, exit: 0 }] });
});
