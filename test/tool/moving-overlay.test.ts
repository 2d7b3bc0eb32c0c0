import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { openOverlay } from "../../src/vfs/overlay/open.ts";
import { bench, layer } from "./kit.ts";

const signal = new AbortController().signal;

/** Tools over a layer; `below` is the workspace itself. */
async function layered() {
  const folder = mkdtempSync(join(tmpdir(), "pinion-moving-"));
  const below = (path: string): string => join(folder, "workspace", path);
  mkdirSync(below("d/e"), { recursive: true });
  writeFileSync(below("a"), "1");
  writeFileSync(below("d/e/f"), "2");
  writeFileSync(below("d/token.key"), "3");
  symlinkSync("a", below("link"));
  const overlay = await openOverlay({
    base: below("."),
    folder: join(folder, "layer"),
    quota: { bytes: 1e6, files: 1000 },
  });
  const workspace = overlay.open(["read", "write"]);
  onTestFinished(() => {
    overlay.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return { overlay, below, workspace };
}

test("removing and moving in a layer leave the workspace as it is, and find their work done when they are repeated", async () => {
  const { overlay, below, workspace } = await layered();
  const { box } = bench({ workspace });
  for (const [tool, call] of [
    ["file.move", { from: "a", to: "n/b", createDirectories: true }],
    ["file.move", { from: "d", to: "moved" }],
    ["file.remove", { path: "link" }],
    ["file.remove", { path: "moved/e/f" }],
    ["file.remove", { path: "moved/e" }],
  ] as const) {
    const request = { tool, arguments: call };
    const resolution = await box.resolve(request, signal);
    expect(resolution, tool).not.toHaveProperty("problem");
    const result = await box.perform(request, resolution, signal);
    expect(await box.perform(request, resolution, signal), JSON.stringify(call)).toEqual(result);
  }
  expect(overlay.changes().map(({ path, after }) => `${path} ${after.kind}`)).toEqual([
    "a nothing",
    "d nothing",
    "d/e nothing",
    "d/e/f nothing",
    "d/token.key nothing",
    "link nothing",
    "moved directory",
    "moved/token.key file",
    "n directory",
    "n/b file",
  ]);
  expect(readdirSync(below("."), { recursive: true }).sort()).toEqual([
    "a",
    "d",
    "d/e",
    "d/e/f",
    "d/token.key",
    "link",
  ]);
});

test("H12 a directory of the workspace does not take along what is denied below it into the layer either", async () => {
  const { workspace, overlay } = await layered();
  const { call } = bench({
    workspace,
    layers: [layer({ filesystem: { read: ["**"], write: ["**"], deny: ["**/*.key"] } })],
  });
  await expect(call("file.move", { from: "d", to: "moved" })).rejects.toMatchObject({ code: "denied" });
  await expect(call("file.remove", { path: "d" })).rejects.toMatchObject({ code: "not-empty" });
  expect(overlay.changes()).toEqual([]);
});
