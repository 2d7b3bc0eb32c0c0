import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { digestOf } from "../../src/model/canonical.ts";
import { bench, layer } from "./kit.ts";

const signal = new AbortController().signal;
const reviewer = layer({
  filesystem: { read: ["**"], write: ["REVIEW.md", "out/**"], deny: ["secrets/**", "**/*.key"] },
});

describe("file.remove", () => {
  test("removes files, links and empty directories, and says what it was", async () => {
    const { call, at } = bench();
    writeFileSync(at("a"), "x");
    writeFileSync(at("kept"), "x");
    symlinkSync("kept", at("link"));
    mkdirSync(at("d"));
    expect(await call("file.remove", { path: "a" })).toEqual({ path: "a", kind: "file" });
    expect(await call("file.remove", { path: "link" })).toEqual({ path: "link", kind: "link" });
    expect(await call("file.remove", { path: "d" })).toEqual({ path: "d", kind: "directory" });
    expect(readdirSync(at("."))).toEqual(["kept"]);
    await expect(call("file.remove", { path: "a" })).rejects.toMatchObject({ code: "not-found" });
    await expect(call("file.remove", { path: "." })).rejects.toMatchObject({ code: expect.any(String) });
  });

  test("a directory with something in it stays, also when that may not be read", async () => {
    const { call, at } = bench({ layers: [layer({ filesystem: { read: ["**"], write: ["**"], deny: ["d/*.key"] } })] });
    mkdirSync(at("d"));
    writeFileSync(at("d/a.key"), "x");
    await expect(call("file.remove", { path: "d" })).rejects.toMatchObject({ code: "not-empty" });
    expect(readdirSync(at("d"))).toEqual(["a.key"]);
  });

  test("A4 what changed since the call was judged is not removed", async () => {
    const { box, at } = bench();
    writeFileSync(at("a"), "approved to go");
    mkdirSync(at("d"));
    mkdirSync(at("e"));
    const file = { tool: "file.remove", arguments: { path: "a" } };
    const directory = { tool: "file.remove", arguments: { path: "d" } };
    const [one, two] = [await box.resolve(file, signal), await box.resolve(directory, signal)];
    expect(one).toEqual({ path: "a", target: { kind: "file", size: 14, digest: digestOf("approved to go") } });
    writeFileSync(at("a"), "something else");
    execFileSync("mv", ["-T", at("e"), at("d")]);
    await expect(box.perform(file, one, signal)).rejects.toMatchObject({ code: "resolution-changed" });
    await expect(box.perform(directory, two, signal)).rejects.toMatchObject({ code: "resolution-changed" });
    expect(readdirSync(at("."))).toEqual(["a", "d"]);
  });

  test("a removal that is repeated after a crash finds its work done; one of nothing never was any", async () => {
    const { box, at } = bench();
    writeFileSync(at("a"), "x");
    const request = { tool: "file.remove", arguments: { path: "a" } };
    const resolution = await box.resolve(request, signal);
    await box.perform(request, resolution, signal);
    expect(await box.perform(request, resolution, signal)).toEqual({ path: "a", kind: "file" });
    const nothing = await box.resolve(request, signal);
    expect(nothing).toMatchObject({ problem: { code: "not-found" } });
    await expect(box.perform(request, nothing, signal)).rejects.toMatchObject({ code: "not-found" });
  });

  test("H1 H2 H8 H14 removes nothing outside, nothing denied in any spelling, and no special file", async () => {
    const { call, at, folder } = bench({ layers: [reviewer, layer({ name: "b" })] });
    mkdirSync(join(folder, "outside"));
    writeFileSync(join(folder, "outside/a"), "x");
    mkdirSync(at("out"));
    symlinkSync("../../outside", at("out/d"));
    execFileSync("mkfifo", [at("out/fifo")]);
    for (const path of [
      "../outside/a",
      "/etc/hostname",
      "out//d",
      "out/./d",
      "out\\d",
      "out/x.key",
      "out/X.KEY",
      "out/x.key.",
    ]) {
      await expect(call("file.remove", { path }), path).rejects.toThrow(/denied|not accepted/);
    }
    await expect(call("file.remove", { path: "out/d/a" })).rejects.toMatchObject({ code: "link" });
    await expect(call("file.remove", { path: "out/fifo" })).rejects.toMatchObject({ code: "special-file" });
    expect(readdirSync(join(folder, "outside"))).toEqual(["a"]);
    expect(await call("file.remove", { path: "out/d" })).toMatchObject({ kind: "link" });
    expect(readdirSync(join(folder, "outside"))).toEqual(["a"]);
  });
});

describe("file.move", () => {
  test("moves files, links and directories with all below them", async () => {
    const { call, at } = bench();
    mkdirSync(at("d/e"), { recursive: true });
    writeFileSync(at("d/e/f"), "1");
    writeFileSync(at("a"), "2");
    symlinkSync("nowhere", at("link"));
    expect(await call("file.move", { from: "a", to: "b" })).toEqual({ from: "a", to: "b", kind: "file" });
    expect(await call("file.move", { from: "d", to: "x/y/d", createDirectories: true })).toMatchObject({
      kind: "directory",
    });
    expect(await call("file.move", { from: "link", to: "x/link" })).toMatchObject({ kind: "link" });
    expect(readdirSync(at("."), { recursive: true }).sort()).toEqual([
      ..."b x x/link x/y x/y/d x/y/d/e x/y/d/e/f".split(" "),
    ]);
    expect(readFileSync(at("x/y/d/e/f"), "utf8")).toBe("1");
  });

  test("never replaces, never moves into itself, never makes folders unasked", async () => {
    const { call, at } = bench();
    mkdirSync(at("d"));
    writeFileSync(at("a"), "1");
    writeFileSync(at("b"), "2");
    await expect(call("file.move", { from: "a", to: "b" })).rejects.toMatchObject({ code: "exists" });
    await expect(call("file.move", { from: "a", to: "d" })).rejects.toMatchObject({ code: "exists" });
    await expect(call("file.move", { from: "d", to: "d/e" })).rejects.toMatchObject({ code: "refused" });
    await expect(call("file.move", { from: "a", to: "a" })).rejects.toMatchObject({ code: "refused" });
    await expect(call("file.move", { from: "a", to: "n/a" })).rejects.toMatchObject({ code: "not-found" });
    await expect(call("file.move", { from: "c", to: "e" })).rejects.toMatchObject({ code: "not-found" });
    expect([readFileSync(at("a"), "utf8"), readFileSync(at("b"), "utf8")]).toEqual(["1", "2"]);
  });

  test("needs reading and writing at both ends", async () => {
    const filesystem = { read: ["**"], write: ["out/**", "blind/**"], deny: [] };
    const sighted = layer({ name: "sighted", filesystem: { read: ["out/**", "src/**"], write: ["**"], deny: [] } });
    const { call, at } = bench({ layers: [layer({ filesystem }), sighted] });
    for (const folder of ["out", "src", "blind"]) {
      mkdirSync(at(folder));
      writeFileSync(at(`${folder}/a`), folder);
    }
    for (const [from, to] of [
      ["out/a", "src/b"],
      ["src/a", "out/b"],
      ["out/a", "blind/b"],
      ["blind/a", "out/b"],
    ]) {
      await expect(call("file.move", { from: from ?? "", to: to ?? "" })).rejects.toThrow(/^denied: .*filesystem\./);
    }
    expect(await call("file.move", { from: "out/a", to: "out/b" })).toMatchObject({ kind: "file" });
  });

  test("a directory does not take along what is denied below it, on either end, nor say what that is", async () => {
    const { call, at } = bench({
      layers: [layer({ filesystem: { read: ["**"], write: ["**"], deny: ["d/**/*.key", "new/hidden"] } })],
    });
    mkdirSync(at("d/e"), { recursive: true });
    writeFileSync(at("d/e/token.key"), "x");
    mkdirSync(at("f"));
    writeFileSync(at("f/hidden"), "x");
    const refused = await call("file.move", { from: "d", to: "other" }).catch((error: Error) => error);
    expect(refused).toMatchObject({ code: "denied" });
    expect(String(refused)).not.toContain("token");
    await expect(call("file.move", { from: "f", to: "new" })).rejects.toMatchObject({ code: "denied" });
    expect(readdirSync(at(".")).sort()).toEqual(["d", "f"]);
    expect(await call("file.move", { from: "f", to: "fine" })).toMatchObject({ kind: "directory" });
  });

  test("a directory with things that may not be written below stays", async () => {
    const { call, at } = bench({
      layers: [layer({ filesystem: { read: ["**"], write: ["d", "d/a", "n", "n/**"], deny: [] } })],
    });
    mkdirSync(at("d"));
    writeFileSync(at("d/a"), "x");
    writeFileSync(at("d/b"), "x");
    await expect(call("file.move", { from: "d", to: "n" })).rejects.toMatchObject({ code: "denied" });
  });

  test("A4 what changed since the call was judged is not moved", async () => {
    const { box, at } = bench();
    mkdirSync(at("d"));
    writeFileSync(at("d/a"), "x");
    writeFileSync(at("f"), "first");
    const directory = { tool: "file.move", arguments: { from: "d", to: "e" } };
    const file = { tool: "file.move", arguments: { from: "f", to: "g" } };
    const [one, two] = [await box.resolve(directory, signal), await box.resolve(file, signal)];
    expect(two).toEqual({
      from: { path: "f", kind: "file", size: 5, digest: digestOf("first") },
      to: { path: "g", kind: "nothing" },
    });
    writeFileSync(at("d/planted"), "x");
    writeFileSync(at("f"), "other");
    await expect(box.perform(directory, one, signal)).rejects.toMatchObject({ code: "resolution-changed" });
    await expect(box.perform(file, two, signal)).rejects.toMatchObject({ code: "resolution-changed" });
    const again = await box.resolve(file, signal);
    writeFileSync(at("g"), "in between");
    await expect(box.perform(file, again, signal)).rejects.toMatchObject({ code: "resolution-changed" });
    expect(readFileSync(at("g"), "utf8")).toBe("in between");
  });

  test("a move that is repeated after a crash finds its work done, but not another's", async () => {
    const { box, at } = bench();
    mkdirSync(at("d/e"), { recursive: true });
    writeFileSync(at("d/e/f"), "x");
    writeFileSync(at("a"), "x");
    symlinkSync("a", at("link"));
    for (const [from, to] of [
      ["a", "b"],
      ["d", "c"],
      ["link", "other"],
    ]) {
      const request = { tool: "file.move", arguments: { from: from ?? "", to: to ?? "" } };
      const resolution = await box.resolve(request, signal);
      await box.perform(request, resolution, signal);
      expect(await box.perform(request, resolution, signal)).toMatchObject({ from, to });
    }
    const request = { tool: "file.move", arguments: { from: "b", to: "z" } };
    const resolution = await box.resolve(request, signal);
    execFileSync("rm", [at("b")]);
    writeFileSync(at("z"), "not what was moved");
    await expect(box.perform(request, resolution, signal)).rejects.toMatchObject({ code: "resolution-changed" });
  });

  test("H1 H2 H8 H14 nothing is moved in or out, through links, or under another spelling", async () => {
    const { call, at, folder } = bench({ layers: [reviewer] });
    mkdirSync(join(folder, "outside"));
    mkdirSync(at("out"));
    writeFileSync(at("out/a"), "x");
    symlinkSync("../../outside", at("out/d"));
    execFileSync("mkfifo", [at("out/fifo")]);
    for (const to of [
      "../outside/a",
      "/tmp/a",
      "out//b",
      "out/../b",
      "out\\b",
      "out/b.key",
      "out/B.KEY",
      "out/b.",
      "out/b ",
    ]) {
      await expect(call("file.move", { from: "out/a", to }), to).rejects.toThrow(/denied|not accepted/);
      await expect(call("file.move", { from: to, to: "out/c" }), to).rejects.toThrow(/denied|not accepted/);
    }
    await expect(call("file.move", { from: "out/a", to: "out/d/a" })).rejects.toMatchObject({ code: "link" });
    await expect(call("file.move", { from: "out/fifo", to: "out/x" })).rejects.toMatchObject({ code: "special-file" });
    expect(readdirSync(join(folder, "outside"))).toEqual([]);
    expect(readFileSync(at("out/a"), "utf8")).toBe("x");
  });
});
