import { execFileSync } from "node:child_process";
import { linkSync, mkdirSync, readdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { fileDriver } from "../../src/runtime/files.ts";
import { directFiles } from "../../src/runtime/workspace.ts";
import { everywhere, once, refusals, theSameEverywhere } from "../support/burglar.ts";
import { Lab } from "../support/lab.ts";

let lab: Lab;
const inside = (path: string) => join(lab.workspace, path);
const outside = (path: string) => join(lab.root, "outside", path);
const EVERYTHING = [{ name: "out", path: ".", actions: ["read", "write"] }];
const ALL = { filesystem: { read: ["**"], write: ["**"], deny: ["secrets/**"] } };

beforeEach(async () => {
  lab = await Lab.open();
  await lab.file("a.txt", "content of a");
  await lab.file("secrets/key", "do not tell");
  await lab.file("out/dir/file", "inside");
  mkdirSync(outside("dir"), { recursive: true });
  writeFileSync(outside("secret"), "outside");
  writeFileSync(outside("dir/file"), "outside");
});
afterEach(() => lab.close());

/** Nothing outside has changed. */
function untouched(): void {
  expect(readFileSync(outside("secret"), "utf8")).toBe("outside");
  expect(readFileSync(outside("dir/file"), "utf8")).toBe("outside");
  expect(readdirSync(outside("")).sort()).toEqual(["dir", "secret"]);
  expect(readdirSync(outside("dir"))).toEqual(["file"]);
}

/** Statements that try every way in to each of the paths. */
const tryAll = (paths: readonly string[]) => `
  const root = files.openRoot("out");
  return Object.fromEntries(${JSON.stringify(paths)}.map((path) => [path, everyWay(root, path)]));`;

/** The same, and every way to move or remove. */
const tryAllAndMore = (paths: readonly string[]) => `
  const root = files.openRoot("out");
  const more = (path) => ({
    remove: said(() => files.remove(root, path)),
    stat: said(() => files.stat(root, path)),
    from: said(() => files.rename(root, path, "taken")),
    to: said(() => files.rename(root, "dir/file", path)),
  });
  return Object.fromEntries(${JSON.stringify(paths)}.map((path) => [path, { ...everyWay(root, path), ...more(path) }]));`;

/** What was said to every way in. */
function answers(found: unknown): readonly unknown[] {
  return Object.values(Object(found)).flatMap((ways) => Object.values(Object(ways)));
}

test("H1 traversal: no spelling of a path leaves the granted directory, in any phase", async () => {
  const paths = [
    "../a.txt",
    "dir/../../a.txt",
    inside("a.txt"),
    "dir//file",
    "..\\\\a.txt",
    "dir/",
    "./dir/file",
    "dir/.",
  ];
  const found = theSameEverywhere(await everywhere(lab, tryAllAndMore(paths)));
  expect(answers(found)).toHaveLength(paths.length * 9);
  for (const answer of answers(found)) expect(answer).toEqual({ error: "denied: the path leaves its directory" });
  expect(refusals(lab)).toEqual(["the path leaves its directory"]);
  expect(lab.entries.some((entry) => entry.kind === "input.file")).toBe(false);
});

test("H1 percent signs are literal, and so lead nowhere", async () => {
  const found = await once(lab, tryAll(["%2e%2e/a.txt", "..%2fa.txt/x", "%2fetc/passwd"]));
  for (const answer of answers(found)) expect(answer).toEqual({ error: expect.stringContaining("not-found") });
});

test("H2 symbolic links: a leaf, a middle, a chain and a loop are refused, in any phase", async () => {
  symlinkSync(outside("secret"), inside("out/leaf"));
  symlinkSync("dir/file", inside("out/leaf-inside"));
  symlinkSync(outside("dir"), inside("out/middle"));
  symlinkSync("middle", inside("out/chain"));
  symlinkSync("loop", inside("out/loop"));
  symlinkSync("nowhere", inside("out/dangling"));
  const paths = ["leaf", "leaf-inside", "middle", "middle/file", "chain/file", "loop", "loop/file", "dangling"];
  const found = theSameEverywhere(await everywhere(lab, tryAll(paths)));
  expect(Object.keys(found)).toHaveLength(paths.length);
  for (const answer of answers(found)) {
    expect(answer).toEqual({ error: expect.stringMatching(/^(link|exists|not-a-directory): /) });
  }
  untouched();
});

test("H2 a grant whose directory is a link gives nothing", async () => {
  symlinkSync(outside("dir"), inside("out/away"));
  const files = [{ name: "out", path: "out/away", actions: ["read", "write"] }];
  const found = await once(lab, tryAll([".", "file"]), { files });
  for (const answer of answers(found))
    expect(answer).toEqual({ error: expect.stringMatching(/^(link|is-a-directory): /) });
  untouched();
});

test("H4 a guest can make no link, and a link that others made it can only remove", async () => {
  symlinkSync("../../outside", inside("out/dir/up"));
  const found = await once(
    lab,
    `const root = files.openRoot("out");
     return {
       calls: Object.keys(files).filter((name) => /link/i.test(name)),
       moved: said(() => files.rename(root, "dir/up", "up")),
       through: said(() => files.read(root, "dir/up/secret", 0, 10)),
       removed: said(() => files.remove(root, "dir/up")),
     };`,
  );
  expect(found).toEqual({
    calls: [],
    moved: { error: "not-a-file: only files can be renamed" },
    through: { error: expect.stringMatching(/^link: /) },
    removed: { ok: null },
  });
  untouched();
});

test("H4 a handle to a directory that was moved away does not follow it, nor what took its place", async () => {
  const mover = `require("fs").renameSync("out/dir", "out/old"); require("fs").symlinkSync("../../outside/dir", "out/dir");`;
  await lab.file("mover.cjs", mover);
  const phases = await everywhere(
    lab,
    `globalThis.dir ??= files.openDirectory(files.openRoot("out"), "dir");
     return { file: said(() => files.read(globalThis.dir, "file", 0, 10)) };`,
    {
      blueprint: {
        turns: [
          { text: "go", calls: [{ id: "m", tool: "process.run", arguments: { argv: ["node", "mover.cjs"] } }] },
          { text: "done" },
        ],
        chain: { "pre-plan": ["burglar"] },
      },
    },
  );
  expect(phases.get("pre-plan")).toEqual([
    { file: { ok: "inside" } },
    { file: { error: expect.stringMatching(/^link: /) } },
  ]);
  untouched();
});

test("H5 hard links: a file with a second name is not written, and removing takes one name only", async () => {
  linkSync(outside("secret"), inside("out/hard"));
  const found = await once(
    lab,
    `const root = files.openRoot("out");
     return {
       write: said(() => files.write(root, "hard", bytes("from the hook"))),
       stat: said(() => files.stat(root, "hard").kind),
       remove: said(() => files.remove(root, "hard")),
     };`,
  );
  expect(found).toEqual({
    write: { error: expect.stringMatching(/^hard-link: /) },
    stat: { ok: "file" },
    remove: { ok: null },
  });
  untouched();
});

test("H6 magic links: /proc leads nowhere, as a link below the grant or as the workspace itself", async () => {
  symlinkSync("/proc/self", inside("out/self"));
  symlinkSync("/proc/self/root", inside("out/root"));
  const found = theSameEverywhere(
    await everywhere(lab, tryAll(["self/environ", "self/fd/0", "root/etc/passwd", "self/cwd/a.txt"])),
  );
  for (const answer of answers(found)) expect(answer).toEqual({ error: expect.stringMatching(/^link: /) });
  const proc = fileDriver(directFiles("/proc"));
  const signal = new AbortController().signal;
  for (const path of ["self/environ", "thread-self/root", `${process.pid}/root/etc/passwd`, `${process.pid}/fd/0`]) {
    const request = { operation: "read", root: ".", path, offset: 0, length: 10 } as const;
    await expect(proc.perform(request, signal), path).rejects.toMatchObject({ code: "link" });
  }
});

test("H7 NUL: a path that hides its end is refused, in any phase", async () => {
  const found = theSameEverywhere(await everywhere(lab, tryAllAndMore(["dir/file\0.txt", "\0", "../a.txt\0"])));
  for (const answer of answers(found)) expect(answer).toEqual({ error: "denied: the path leaves its directory" });
});

test("H8 aliases: what is denied is denied in every spelling of case and Unicode, and names end in what they show", async () => {
  const aliases = ["SECRETS/key", "Secrets/key", "\u017fecrets/key", "secrets\u200d/key", "se\u00adcrets/key"];
  for (const path of aliases) await lab.file(path, "do not tell");
  const found = theSameEverywhere(
    await everywhere(lab, tryAll(["secrets/key", ...aliases, "secrets./key", "secrets /key", "out/dir/file."]), {
      files: EVERYTHING,
      blueprint: { execution: ALL },
    }),
  );
  const { "secrets./key": dot, "secrets /key": space, "out/dir/file.": end, ...spelled } = found;
  for (const answer of answers(spelled)) {
    expect(answer).toEqual({ error: expect.stringContaining('filesystem.deny[0] "secrets/**"') });
  }
  for (const answer of answers({ dot, space, end }))
    expect(answer).toEqual({ error: expect.stringMatching(/denied|bad-path/) });
  for (const path of aliases) expect(readFileSync(inside(path), "utf8")).toBe("do not tell");
});

test("H10 a read-only handle changes nothing, nor does one made from it; a write-only one reads nothing", async () => {
  const found = theSameEverywhere(
    await everywhere(
      lab,
      `const reader = files.openRoot("reader"), writer = files.openRoot("writer");
       const below = files.openDirectory(reader, "dir");
       const changes = (root, path) => [
         said(() => files.write(root, path, bytes("from the hook"))),
         said(() => files.remove(root, path)),
         said(() => files.createDirectory(root, "new")),
         said(() => files.rename(root, path, "other")),
       ];
       return {
         changes: [...changes(reader, "dir/file"), ...changes(below, "file")],
         reads: [said(() => files.read(writer, "dir/file", 0, 9)), said(() => files.list(writer, "."))],
       };`,
      {
        files: [
          { name: "reader", path: "out", actions: ["read"] },
          { name: "writer", path: "out", actions: ["write"] },
        ],
      },
    ),
  );
  const denied = (action: string) => ({ error: `denied: the handle does not allow \`${action}\`` });
  expect(found).toEqual({ changes: Array(8).fill(denied("write")), reads: Array(2).fill(denied("read")) });
  expect(readdirSync(inside("out"))).toEqual(["dir"]);
  expect(readFileSync(inside("out/dir/file"), "utf8")).toBe("inside");
});

describe("H13", () => {
  test("a sparse terabyte is not read into memory, whatever is asked for", async () => {
    writeFileSync(inside("out/sparse"), "");
    truncateSync(inside("out/sparse"), 2 ** 40);
    const found = theSameEverywhere(
      await everywhere(
        lab,
        `const root = files.openRoot("out");
         return {
           size: files.stat(root, "sparse").size,
           most: files.read(root, "sparse", 0, 4294967295).length,
           end: files.read(root, "sparse", ${2 ** 40 - 5}, 100).length,
           behind: files.read(root, "sparse", ${2 ** 41}, 100).length,
           beyond: said(() => files.read(root, "sparse", ${2 ** 60}, 1)),
         };`,
      ),
    );
    expect(found).toEqual({
      size: 2 ** 40,
      most: 2 ** 20,
      end: 5,
      behind: 0,
      beyond: { error: "`offset` is beyond every file" },
    });
  });

  test("a crowded directory is not listed in part", async () => {
    mkdirSync(inside("out/crowd"));
    for (let n = 0; n <= 10_000; n += 1) writeFileSync(inside(`out/crowd/${n}`), "");
    const found = await once(
      lab,
      `const root = files.openRoot("out");
       const crowd = said(() => files.list(root, "crowd"));
       files.remove(root, "crowd/0");
       return { crowd, after: files.list(root, "crowd").length };`,
      { limits: { memoryPages: 1024 } },
    );
    expect(found).toEqual({
      crowd: { error: "too-many: `crowd`: the directory has more than 10000 entries; name a smaller one" },
      after: 10_000,
    });
  });
});

test("H14 devices, sockets and FIFOs are neither opened nor waited for, in any phase", async () => {
  execFileSync("mkfifo", [inside("out/fifo")]);
  const server = createServer().listen(inside("out/socket"));
  await new Promise((resolve) => server.once("listening", resolve));
  const found = theSameEverywhere(
    await everywhere(
      lab,
      `const root = files.openRoot("out");
       const kinds = files.list(root, ".").map(({ name, kind }) => name + " " + kind);
       return { kinds, fifo: everyWay(root, "fifo"), socket: everyWay(root, "socket") };`,
    ),
  );
  const { kinds, ...special } = found;
  expect(kinds).toEqual(["dir directory", "fifo other", "socket other"]);
  for (const answer of answers(special)) {
    expect(answer).toEqual({ error: expect.stringMatching(/^(special-file|not-a-directory|exists): /) });
  }
  const dev = fileDriver(directFiles("/dev"));
  const signal = new AbortController().signal;
  const read = dev.perform({ operation: "read", root: ".", path: "zero", offset: 0, length: 10 }, signal);
  await expect(read).rejects.toMatchObject({ code: "special-file" });
  await new Promise((resolve) => server.close(resolve));
});
