// A process that fills the disk, on which either the layer or the workspace is, and says what became of it as JSON.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { argv } from "node:process";
import { openOverlay } from "../../../src/vfs/overlay/open.ts";

const [, , small = "", large = "", full = ""] = argv;
const [workspace, folder] =
  full === "layer" ? [join(large, "w"), join(small, "run")] : [join(small, "w"), join(large, "run")];
mkdirSync(workspace, { recursive: true });
writeFileSync(join(workspace, "a"), "a");
const open = () => openOverlay({ base: workspace, folder, quota: { bytes: 1e9, files: 1e6 } });
const PART = Buffer.alloc(20_000, "x");

async function fill(): Promise<object> {
  let overlay = await open();
  let root = overlay.open(["read", "write"]);
  const written: string[] = [];
  const codes: unknown[] = [];
  for (let index = 0; codes.length < 3; index++) {
    try {
      await root.write(`file-${index}`, PART);
      written.push(`file-${index}`);
    } catch (error) {
      codes.push((error as { code?: unknown }).code);
    }
  }
  const source = join(large, "left");
  writeFileSync(source, PART);
  const incoming = [
    { kind: "nothing", path: "a" },
    { kind: "file", path: "b", source, executable: false },
  ] as const;
  codes.push(
    await overlay.absorb(incoming, 2n ** 70n).then(
      () => "done",
      (error: { code?: unknown }) => error.code,
    ),
  );
  const look = () => ({
    names: root.list(".").entries.map(({ name }) => name),
    changes: overlay.changes().map(({ path }) => path),
    staging: readdirSync(join(folder, "staging")),
  });
  const seen = look();
  overlay.close();
  overlay = await open();
  root = overlay.open(["read", "write"]);
  assert.deepEqual(look(), seen);
  for (const path of written) assert.equal(Buffer.from(root.read(path, { offset: 0, length: 1e6 })).equals(PART), true);
  await overlay.discard();
  await root.write("a", Buffer.from("room again"));
  overlay.close();
  return { codes, ...seen, written };
}

async function commit(): Promise<object> {
  const overlay = await open();
  const root = overlay.open(["read", "write"]);
  for (let index = 0; index < 20; index++) await root.write(`file-${index}`, PART);
  const { applied, refused } = await overlay.commit({});
  const reasons = [...new Set(refused.map(({ change, reason }) => reason.replace(change.path, "it")))];
  const left = overlay.changes().map(({ path }) => path);
  assert.deepEqual(left, refused.map(({ change }) => change.path).sort());
  for (const { path } of applied) assert.equal(readFileSync(join(workspace, path)).equals(PART), true);
  for (const path of left) assert.equal(existsSync(join(workspace, path)), false);
  overlay.close();
  return { applied: applied.length, reasons, names: readdirSync(workspace).filter((name) => name.startsWith(".")) };
}

process.stdout.write(JSON.stringify(full === "layer" ? await fill() : await commit()));
