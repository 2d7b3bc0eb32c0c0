import { execFileSync } from "node:child_process";
import { linkSync, mkdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { digestOf } from "../../src/model/canonical.ts";
import { bench, layer } from "./kit.ts";

const signal = new AbortController().signal;
const reviewer = layer({
  filesystem: { read: ["**"], write: ["REVIEW.md", "out/**"], deny: ["secrets/**", "**/*.key"] },
});

describe("file.read", () => {
  test("reads text and says where to go on", async () => {
    const { call, at } = bench();
    writeFileSync(at("a.txt"), "hello world");
    expect(await call("file.read", { path: "a.txt" })).toEqual({
      path: "a.txt",
      size: 11,
      offset: 0,
      next: null,
      encoding: "utf8",
      content: "hello world",
    });
    expect(await call("file.read", { path: "a.txt", offset: 6, length: 3 })).toMatchObject({ content: "wor", next: 9 });
    expect(await call("file.read", { path: "a.txt", offset: 99 })).toMatchObject({ content: "", next: null });
  });

  test("never cuts a character in two, so that pages put together are the file", async () => {
    const { call, at } = bench();
    const text = "aé文😀z".repeat(50);
    writeFileSync(at("a"), text);
    for (const length of [4, 5, 6, 7, 11]) {
      let whole = "";
      for (let offset: number | null = 0; offset !== null; ) {
        const page = (await call("file.read", { path: "a", offset, length })) as {
          content: string;
          next: number | null;
        };
        whole += page.content;
        offset = page.next;
      }
      expect(whole).toBe(text);
    }
  });

  test("says that bytes are no text, and gives them as base64 when asked", async () => {
    const { call, at } = bench();
    writeFileSync(at("b"), Buffer.from([0xff, 0x00, 0xc3]));
    await expect(call("file.read", { path: "b" })).rejects.toMatchObject({ code: "not-text" });
    expect(await call("file.read", { path: "b", encoding: "base64" })).toMatchObject({ content: "/wDD", size: 3 });
    writeFileSync(at("c"), Buffer.from([0x61, 0xc3]));
    await expect(call("file.read", { path: "c" })).rejects.toMatchObject({ code: "not-text" });
  });

  test("resolves to kind, size and digest, and reads exactly those bytes", async () => {
    const { box, at } = bench();
    writeFileSync(at("a"), "first");
    const request = { tool: "file.read", arguments: { path: "a" } };
    const resolution = await box.resolve(request, signal);
    expect(resolution).toEqual({ path: "a", kind: "file", size: 5, digest: digestOf("first") });
    writeFileSync(at("a"), "other");
    await expect(box.perform(request, resolution, signal)).rejects.toMatchObject({ code: "resolution-changed" });
  });

  test("H13 a file too large to be hashed is told apart by its times and size, and read in ranges", async () => {
    const { box, call, at } = bench();
    writeFileSync(at("big"), "");
    truncateSync(at("big"), 2 ** 40);
    const request = { tool: "file.read", arguments: { path: "big", offset: 2 ** 39, length: 4, encoding: "base64" } };
    const resolution = await box.resolve(request, signal);
    expect(resolution).toMatchObject({ kind: "file", size: 2 ** 40, stamp: expect.any(String) });
    expect(await call("file.read", request.arguments)).toMatchObject({ content: "AAAAAA==" });
    truncateSync(at("big"), 2 ** 39 + 100);
    await expect(box.perform(request, resolution, signal)).rejects.toMatchObject({ code: "resolution-changed" });
  });

  test("a denied file is not touched while resolving, and the answer names the rule", async () => {
    const { box, call, at } = bench({ layers: [reviewer] });
    mkdirSync(at("secrets"));
    writeFileSync(at("secrets/token"), "x");
    const request = { tool: "file.read", arguments: { path: "secrets/token" } };
    const resolution = await box.resolve(request, signal);
    expect(JSON.stringify(resolution)).not.toMatch(/digest|size/);
    expect(box.permit(request, resolution)).toMatchObject({
      allow: false,
      rule: 'policy test@1.0.0: filesystem.deny[0] "secrets/**"',
    });
    await expect(call("file.read", { path: "secrets/token" })).rejects.toThrow(/denied/);
    // Even a kernel that forgot to ask would not read it.
    await expect(box.perform(request, resolution, signal)).rejects.toMatchObject({ code: "denied" });
  });

  test("H8 aliases of a denied name are denied as well", async () => {
    const { call, at } = bench({ layers: [reviewer] });
    mkdirSync(at("SECRETS"));
    writeFileSync(at("SECRETS/token"), "x");
    await expect(call("file.read", { path: "SECRETS/token" })).rejects.toThrow(/denied/);
    await expect(call("file.read", { path: "secrets./token" })).rejects.toThrow(/not accepted|denied/);
  });

  test("what cannot be read is data for the gates and an error for the agent, without host paths", async () => {
    const { box, folder, at } = bench();
    mkdirSync(at("d"));
    symlinkSync("/etc/passwd", at("link"));
    execFileSync("mkfifo", [at("fifo")]);
    for (const [path, code] of [
      ["missing", "not-found"],
      ["d", "is-a-directory"],
      ["link", "link"],
      ["fifo", "special-file"],
      ["../x", "denied"],
      ["a\0b", "bad-path"],
    ]) {
      const request = { tool: "file.read", arguments: { path: path ?? "" } };
      const resolution = await box.resolve(request, signal);
      expect(resolution, path).toMatchObject({ problem: { code } });
      expect(JSON.stringify(resolution)).not.toContain(folder);
      await expect(box.perform(request, resolution, signal)).rejects.toMatchObject({ code });
    }
  });
});

describe("file.write", () => {
  test("creates and replaces files", async () => {
    const { call, at } = bench();
    expect(await call("file.write", { path: "a", content: "é" })).toEqual({
      path: "a",
      bytes: 2,
      digest: digestOf("é"),
      created: true,
    });
    expect(await call("file.write", { path: "a", content: "AAE=", encoding: "base64" })).toMatchObject({
      bytes: 2,
      created: false,
    });
    expect(readFileSync(at("a"))).toEqual(Buffer.from([0, 1]));
  });

  test("makes folders only when asked", async () => {
    const { call, at } = bench();
    await expect(call("file.write", { path: "a/b/c", content: "" })).rejects.toMatchObject({ code: "not-found" });
    await call("file.write", { path: "a/b/c", content: "x", createDirectories: true });
    expect(readFileSync(at("a/b/c"), "utf8")).toBe("x");
    await expect(call("file.write", { path: "a/b/c/d", content: "x", createDirectories: true })).rejects.toMatchObject({
      code: "not-a-directory",
    });
  });

  test("keeps to what every layer allows to be written", async () => {
    const { call } = bench({ layers: [reviewer] });
    await call("file.write", { path: "REVIEW.md", content: "x" });
    await call("file.write", { path: "out/a", content: "x", createDirectories: true });
    await expect(call("file.write", { path: "src.ts", content: "x" })).rejects.toThrow(
      /denied: policy test@1.0.0: filesystem.write/,
    );
    await expect(call("file.write", { path: "out/a.key", content: "x" })).rejects.toThrow(/filesystem.deny\[1\]/);
    await expect(call("file.write", { path: "review.md", content: "x" })).rejects.toThrow(/denied/);
  });

  test("A4 a target that changed since the call was judged is not replaced", async () => {
    const { box, at } = bench();
    writeFileSync(at("a"), "approved to be replaced");
    const request = { tool: "file.write", arguments: { path: "a", content: "new" } };
    const resolution = await box.resolve(request, signal);
    expect(resolution).toMatchObject({
      path: "a",
      target: { kind: "file", digest: digestOf("approved to be replaced") },
    });
    writeFileSync(at("a"), "something else");
    await expect(box.perform(request, resolution, signal)).rejects.toMatchObject({ code: "resolution-changed" });
    expect(readFileSync(at("a"), "utf8")).toBe("something else");
  });

  test("a write that is repeated after a crash finds its work done", async () => {
    const { box } = bench();
    const request = { tool: "file.write", arguments: { path: "a", content: "new" } };
    const resolution = await box.resolve(request, signal);
    await box.perform(request, resolution, signal);
    expect(await box.perform(request, resolution, signal)).toMatchObject({ path: "a", created: false });
  });

  test("H2 H5 H14 links, hard links and special files are not written", async () => {
    const { call, at, folder } = bench();
    writeFileSync(join(folder, "outside"), "outside");
    symlinkSync("../outside", at("link"));
    linkSync(join(folder, "outside"), at("hard"));
    execFileSync("mkfifo", [at("fifo")]);
    await expect(call("file.write", { path: "link", content: "x" })).rejects.toMatchObject({ code: "link" });
    await expect(call("file.write", { path: "hard", content: "x" })).rejects.toMatchObject({ code: "hard-link" });
    await expect(call("file.write", { path: "fifo", content: "x" })).rejects.toMatchObject({ code: "special-file" });
    expect(readFileSync(join(folder, "outside"), "utf8")).toBe("outside");
  });

  test("base64 that is none is refused before anything happens", async () => {
    await expect(bench().call("file.write", { path: "a", content: "!!", encoding: "base64" })).rejects.toMatchObject({
      code: "bad-base64",
    });
  });
});

describe("file.list", () => {
  test("D3 lists sorted, as deep as asked, and counts what is hidden", async () => {
    const { call, at } = bench({ layers: [reviewer] });
    for (const folder of ["b/c", "secrets"]) mkdirSync(at(folder), { recursive: true });
    for (const file of ["Z", "a", "b/x", "b/c/y", "b/z.key", "secrets/t"]) writeFileSync(at(file), "1");
    symlinkSync("/etc", at("link"));
    expect(await call("file.list", {})).toEqual({
      path: ".",
      entries: [
        { path: "Z", kind: "file", size: 1 },
        { path: "a", kind: "file", size: 1 },
        { path: "b", kind: "directory", size: expect.any(Number) },
        { path: "link", kind: "link", size: 4 },
      ],
      truncated: false,
      hidden: 1,
      unreadable: 0,
    });
    const deep = (await call("file.list", { depth: 3 })) as { entries: { path: string }[]; hidden: number };
    expect(deep.entries.map(({ path }) => path)).toEqual(["Z", "a", "b", "b/c", "b/c/y", "b/x", "link"]);
    expect(deep.hidden).toBe(2);
    expect(await call("file.list", { depth: 3, limit: 2 })).toMatchObject({ truncated: true, entries: { length: 2 } });
    await expect(call("file.list", { path: "secrets" })).rejects.toThrow(/denied/);
    await expect(call("file.list", { path: "link" })).rejects.toMatchObject({ code: "link" });
    await expect(call("file.list", { path: "a" })).rejects.toMatchObject({ code: "not-a-directory" });
  });

  test("A4 a directory that was swapped since the call was judged is not listed", async () => {
    const { box, at } = bench();
    mkdirSync(at("d"));
    mkdirSync(at("e"));
    const request = { tool: "file.list", arguments: { path: "d" } };
    const resolution = await box.resolve(request, signal);
    execFileSync("mv", ["-T", at("e"), at("d")]);
    await expect(box.perform(request, resolution, signal)).rejects.toMatchObject({ code: "resolution-changed" });
  });
});

describe("file.search", () => {
  test("finds texts and patterns with their places, sorted, and leaves out what may not be read", async () => {
    const { call, at } = bench({ layers: [reviewer] });
    mkdirSync(at("src"));
    mkdirSync(at("secrets"));
    writeFileSync(at("src/b.ts"), "one\ntoken = 1\r\nTOKEN\n");
    writeFileSync(at("a.ts"), "no\n  token");
    writeFileSync(at("secrets/t"), "token");
    writeFileSync(at("bin"), Buffer.from([0x74, 0, 0xff]));
    expect(await call("file.search", { pattern: "token" })).toEqual({
      matches: [
        { path: "a.ts", line: 2, column: 3, text: "  token" },
        { path: "src/b.ts", line: 2, column: 1, text: "token = 1" },
      ],
      searched: 3,
      stopped: "end",
      skipped: { hidden: 1, unreadable: 0, binary: 1, large: 0, longLines: 0 },
    });
    expect(
      await call("file.search", { pattern: "^tok.n\\b", regex: true, ignoreCase: true, path: "src" }),
    ).toMatchObject({
      matches: [{ line: 2 }, { line: 3, text: "TOKEN" }],
    });
    expect(await call("file.search", { pattern: "(1", path: "src/b.ts" })).toMatchObject({ matches: [], searched: 1 });
    expect(await call("file.search", { pattern: "K", ignoreCase: true, path: "src/b.ts" })).toMatchObject({
      matches: { length: 2 },
    });
  });

  test("stops at its limits and says at which", async () => {
    const { call, at } = bench();
    writeFileSync(at("a"), "x\n".repeat(100));
    writeFileSync(at("large"), "x".repeat(1024 * 1024 + 1));
    writeFileSync(at("long"), `${"y".repeat(20_000)}x`);
    expect(await call("file.search", { pattern: "x", limit: 10 })).toMatchObject({
      stopped: "matches",
      matches: { length: 10 },
    });
    expect(await call("file.search", { pattern: "y" })).toMatchObject({
      skipped: { large: 1, longLines: 1 },
      matches: [{ path: "long", column: 1, text: "y".repeat(300) }],
    });
  });

  test("B13 patterns run in linear time; what cannot is refused", async () => {
    const { call, at } = bench();
    writeFileSync(at("a"), `${"a".repeat(16_000)}!\n`.repeat(10));
    expect(await call("file.search", { pattern: "^(a+)+$", regex: true })).toMatchObject({ matches: [] });
    for (const pattern of ["(a)\\1", "(?=a)", "(", "((a{100}){100}){100}"]) {
      await expect(call("file.search", { pattern, regex: true })).rejects.toMatchObject({ code: "bad-pattern" });
    }
  });

  test("a search that is cancelled ends", async () => {
    const { call, at } = bench();
    for (let index = 0; index < 500; index++) writeFileSync(at(`f${index}`), "x".repeat(1000));
    const controller = new AbortController();
    const search = call("file.search", { pattern: "nothing" }, controller.signal);
    setImmediate(() => controller.abort());
    await expect(search).rejects.toMatchObject({ code: "cancelled" });
  });
});
