import { copyFile, mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { RunSummary } from "../../src/runtime.ts";
import { signCheckpoint } from "../../src/trust/checkpoint.ts";
import { signingKey } from "../../src/trust/ed25519.ts";
import { Lab } from "../support/lab.ts";

let lab: Lab;
let elsewhere: string;
beforeEach(async () => {
  lab = await Lab.open();
  elsewhere = join(lab.root, "elsewhere.jsonl");
  await mkdir(join(lab.root, "config/pinion"), { recursive: true });
  const checkpoints = { every: 6, to: [elsewhere] };
  await writeFile(join(lab.root, "config/pinion/config.yaml"), JSON.stringify({ journal: { checkpoints } }));
});
afterEach(() => lab.close());

const turns = [{ text: "one", calls: [{ id: "l", tool: "file.list", arguments: {} }] }, { text: "done" }];
const run = async (goal = "try it"): Promise<RunSummary & { readonly folder: string }> => {
  const summary = await lab.run(await lab.blueprint({ turns }), { goal });
  return { ...summary, folder: join(lab.env.stateDir, "runs", summary.run) };
};
const verify = async (...args: readonly string[]) => lab.finished("pinion", ["journal", "verify", ...args]);
const linesOf = async (file: string) => (await readFile(file, "utf8")).trimEnd().split("\n");
const writeLines = (file: string, lines: readonly string[]) =>
  writeFile(file, lines.map((line) => `${line}\n`).join(""));
const publicKey = async () => (await lab.finished("pinion", ["journal", "key"])).stdout.trim();

describe("pinion journal key", () => {
  it("prints one public key, whose private half is the user's alone", async () => {
    const key = await publicKey();
    expect(key).toMatch(/^ed25519:[0-9a-f]{64}$/);
    expect((await lab.finished("pinion", ["journal", "key", "--json"])).stdout).toBe(`{"key":"${key}"}\n`);
    expect((await stat(join(lab.env.stateDir, "checkpoint.key"))).mode & 0o777).toBe(0o600);
  });

  it("is the same for processes that start at once", async () => {
    const keys = await Promise.all([1, 2, 3, 4].map(publicKey));
    expect(new Set(keys).size).toBe(1);
    expect(keys[0]).toMatch(/^ed25519:/);
  });
});

describe("pinion journal verify", () => {
  it("says of a run, and of its recording, that it is whole and how far it is anchored", async () => {
    const { run: id, folder, head } = await run();
    const count = (await linesOf(join(folder, "journal.jsonl"))).length - 1;
    const key = await publicKey();
    for (const [target, file] of [
      [id, join(folder, "checkpoints.jsonl")],
      [folder, join(folder, "checkpoints.jsonl")],
      [join(lab.root, "out.jsonl"), join(lab.root, "out.jsonl")],
    ] as const) {
      const { code, stdout } = await verify(target);
      expect(stdout).toBe(
        `whole: ${count} entries; the run has ended (completed)\nanchored at entry ${count} by key ${key} (${file})\n`,
      );
      expect(code).toBe(0);
    }
    const json = JSON.parse((await verify(id, "--json", "--checkpoint", elsewhere)).stdout);
    expect(json).toMatchObject({ run: id, state: "whole", entries: count, head, unanchored: 0, findings: [], exit: 0 });
    expect(json.anchor).toEqual({ count, key, file: elsewhere });
  });

  it("says that the tail is not anchored behind the last checkpoint, and without one", async () => {
    const { run: id, folder } = await run();
    const file = join(folder, "checkpoints.jsonl");
    const lines = await linesOf(file);
    await writeLines(file, lines.slice(0, 1));
    expect((await verify(id)).stdout).toMatch(
      /anchored at entry \d+ by key .*\ntail not anchored: \d+ entries lie behind/,
    );
    await writeFile(file, "");
    expect(await verify(id)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("tail not anchored: no checkpoint"),
    });
  });

  it("L5 finds a cut tail by a checkpoint beside the journal, and by one kept elsewhere when that was taken away", async () => {
    const { run: id, folder } = await run();
    const file = join(folder, "journal.jsonl");
    const lines = await linesOf(file);
    await writeLines(file, lines.slice(0, -1));
    const cut = await verify(id);
    expect(cut).toMatchObject({ code: 5, stdout: expect.stringContaining("its tail was cut off") });
    await writeFile(join(folder, "checkpoints.jsonl"), "");
    expect(await verify(id)).toMatchObject({ code: 0, stdout: expect.stringContaining("incomplete: ") });
    expect(await verify(id, "--checkpoint", elsewhere)).toMatchObject({
      code: 5,
      stdout: expect.stringContaining("its tail was cut off"),
    });
  });

  it("L6 finds a journal that was written anew, keys and all, by a checkpoint kept elsewhere", async () => {
    const { run: id, folder } = await run();
    const kept = join(lab.root, "kept.jsonl");
    await copyFile(elsewhere, kept);
    const key = await publicKey();
    // Another run takes the name of the first; its owner signs it, as who rewrites a journal in place could.
    const other = await run("another goal");
    const own = signingKey(
      Buffer.from((await readFile(join(lab.env.stateDir, "checkpoint.key"), "utf8")).trimEnd(), "hex"),
    );
    const lines = (await linesOf(join(other.folder, "journal.jsonl"))).map((line) => line.replace(other.run, id));
    const { createHash } = await import("node:crypto");
    const sha = (text: string) => `sha256:${createHash("sha256").update(text).digest("hex")}`;
    const anew: string[] = [];
    for (const line of lines) {
      const prev = anew.at(-1);
      anew.push(prev === undefined ? line : line.replace(/"prev":"sha256:[0-9a-f]{64}"/, `"prev":"${sha(prev)}"`));
    }
    await writeLines(join(folder, "journal.jsonl"), anew);
    const payload = JSON.stringify({ at: 0, count: anew.length - 1, head: sha(anew.at(-1) ?? ""), run: id });
    await writeLines(join(folder, "checkpoints.jsonl"), [signCheckpoint(own, payload)]);
    expect((await verify(id)).code).toBe(0);
    const found = await verify(id, "--checkpoint", kept, "--key", key);
    expect(found).toMatchObject({ code: 5, stdout: expect.stringContaining("it was rewritten") });
  });

  it("S8 believes no key that it was not told of, and a forged signature under a known one never", async () => {
    const { run: id, head, folder } = await run();
    const count = (await linesOf(join(folder, "journal.jsonl"))).length - 1;
    const stranger = signingKey(Buffer.alloc(32, 3));
    const payload = JSON.stringify({ at: 0, count, head, run: id });
    const file = join(lab.root, "stranger.jsonl");
    await writeLines(file, [signCheckpoint(stranger, payload)]);
    expect(await verify(id, "--checkpoint", file)).toMatchObject({
      code: 5,
      stdout: expect.stringContaining(`the key \`${stranger.publicKey.text}\` is not known`),
    });
    const keyFile = join(lab.root, "stranger.pub");
    await writeFile(keyFile, `${stranger.publicKey.text}\n`);
    for (const given of [keyFile, stranger.publicKey.text]) {
      const { code, stdout } = await verify(id, "--checkpoint", file, "--key", given);
      expect(stdout).toContain(`anchored at entry ${count} by key ${stranger.publicKey.text}`);
      expect(code).toBe(0);
    }
    const forged = signCheckpoint(stranger, payload).replace(stranger.publicKey.text, await publicKey());
    await writeLines(file, [forged]);
    expect(await verify(id, "--checkpoint", file)).toMatchObject({
      code: 5,
      stdout: expect.stringContaining("the signature is not that of"),
    });
  });

  it("L3 L4 says where a journal is damaged, and that a sealed body is not what its entry names", async () => {
    const { run: id, folder } = await run();
    const file = join(folder, "journal.jsonl");
    const lines = await linesOf(file);
    await writeLines(file, [...lines.slice(0, 3), ...lines.slice(4)]);
    expect(await verify(id)).toMatchObject({
      code: 5,
      stdout: expect.stringMatching(/^damaged: `.*journal\.jsonl` is damaged at line 4, byte \d+, seq 2: expected/),
    });
  });

  it("refuses what is no run, no checkpoint of it, and no key", async () => {
    const { run: id } = await run();
    const other = join(lab.root, "other.jsonl");
    await writeFile(other, "{}\n");
    expect(await verify("nothing")).toMatchObject({ code: 2 });
    expect(await verify(id, "--checkpoint", join(lab.root, "none"))).toMatchObject({ code: 2 });
    expect(await verify(id, "--checkpoint", other)).toMatchObject({ code: 2 });
    const cut = join(lab.root, "cut");
    await writeFile(cut, (await linesOf(elsewhere)).at(-1) ?? "");
    expect(await verify(id, "--checkpoint", cut)).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/no checkpoint of run .*no line end and was not read/),
    });
    expect(await verify(id, "--key", "ed25519:12")).toMatchObject({ code: 2 });
    expect(await verify(id, "--key", join(lab.root, "none"))).toMatchObject({ code: 2 });
  });
});
