import { execFileSync, spawn } from "node:child_process";
import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Directory } from "../../src/vfs/directory.ts";
import { openHostDirectory } from "../../src/vfs/host.ts";
import { runs } from "../support/property.ts";

let folder: string;
let root: Directory;
const RANGE = { offset: 0, length: 100 };
const inside = (name: string) => join(folder, "workspace", name);
const outside = (name: string) => join(folder, "outside", name);
const data = Buffer.from("written by the agent");

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pinion-hazard-"));
  mkdirSync(inside("dir"), { recursive: true });
  mkdirSync(outside("dir"), { recursive: true });
  writeFileSync(outside("secret"), "outside");
  writeFileSync(outside("dir/file"), "outside");
  writeFileSync(inside("dir/file"), "inside");
  root = openHostDirectory(join(folder, "workspace"), { actions: ["read", "write"] });
});
afterEach(() => {
  root.close();
  rmSync(folder, { recursive: true });
});

/** Every way in by path, and the codes with which each is refused. */
async function everyWay(path: string): Promise<readonly unknown[]> {
  const ways = [
    () => root.read(path, RANGE),
    () => root.openDirectory(path).close(),
    () => root.list(path),
    () => root.write(path, data),
    () => root.createDirectory(path),
    () => root.openFile(path).close(),
  ];
  const codes: unknown[] = [];
  for (const way of ways) {
    try {
      await way();
      codes.push("done");
    } catch (error) {
      codes.push((error as { code?: unknown }).code);
    }
  }
  return codes;
}

describe("files", () => {
  test("H1 traversal: no spelling reaches a file outside", async () => {
    const paths = [
      "../outside/secret",
      "dir/../../outside/secret",
      outside("secret"),
      "dir//file",
      "..\\outside\\secret",
      "dir/",
    ];
    for (const path of paths) expect(new Set(await everyWay(path)), path).toEqual(new Set(["bad-path"]));
    expect(new Set(await everyWay("%2e%2e/outside/secret"))).toEqual(new Set(["not-found"]));
    expect(readFileSync(outside("secret"), "utf8")).toBe("outside");
  });

  test("H2 symbolic links: a leaf, a middle, a chain and a loop are refused, to the outside and to the inside", async () => {
    symlinkSync(outside("secret"), inside("leaf"));
    symlinkSync("dir/file", inside("leaf-inside"));
    symlinkSync(outside("dir"), inside("middle"));
    symlinkSync("middle", inside("chain"));
    symlinkSync("loop", inside("loop"));
    symlinkSync("nowhere", inside("dangling"));
    for (const path of [
      "leaf",
      "leaf-inside",
      "middle",
      "middle/file",
      "chain/file",
      "loop",
      "loop/file",
      "dangling",
    ]) {
      for (const code of await everyWay(path)) expect(["link", "exists"], path).toContain(code);
    }
    expect(readFileSync(outside("secret"), "utf8")).toBe("outside");
    expect(readFileSync(outside("dir/file"), "utf8")).toBe("outside");
    expect(root.stat("leaf").kind).toBe("link");
  });

  test("H2 removing and moving a link touches the link, not what it points to", async () => {
    symlinkSync(outside("secret"), inside("leaf"));
    await root.rename("leaf", "dir/moved");
    await root.remove("dir/moved");
    expect(readFileSync(outside("secret"), "utf8")).toBe("outside");
  });

  test("H3 rename race: a process that swaps a directory and a file for links never makes a call leave the workspace", async () => {
    symlinkSync(outside("dir"), inside("link"));
    writeFileSync(inside("leaf"), "inside");
    symlinkSync(outside("secret"), inside("leaf-link"));
    const racer = spawn(process.execPath, ["-e", RACER, inside("")], { stdio: ["pipe", "pipe", "inherit"] });
    try {
      await new Promise((resolve) => racer.stdout.once("data", resolve));
      for (const path of ["dir/file", "leaf"]) {
        const seen = { inside: 0, refused: 0 };
        for (let round = 0; round < runs(3_000, 200_000); round++) {
          try {
            expect(Buffer.from(root.read(path, RANGE)).toString()).toBe("inside");
            seen.inside += 1;
          } catch (error) {
            expect(REFUSALS).toContain((error as { code?: unknown }).code);
            seen.refused += 1;
          }
          if (round % 50 !== 0) continue;
          await root.write("dir/made", data).catch((error) => expect(REFUSALS).toContain(error.code));
        }
        expect(seen.inside).toBeGreaterThan(0);
        expect(seen.refused).toBeGreaterThan(0);
      }
      expect(readdirSync(outside("dir"))).toEqual(["file"]);
      expect(readFileSync(outside("secret"), "utf8")).toBe("outside");
    } finally {
      racer.kill("SIGKILL");
    }
  });

  test("H4 a link that was made below and then moved above another directory is refused where it arrives", async () => {
    symlinkSync("../../outside", inside("dir/up"));
    await root.rename("dir/up", "up");
    renameSync(inside("up"), inside("dir/again"));
    for (const path of ["dir/again/secret", "dir/again"]) {
      for (const code of await everyWay(path)) expect(["link", "exists"]).toContain(code);
    }
  });

  test("H4 a handle to a directory that was moved outside does not climb back by name", () => {
    const handle = root.openDirectory("dir");
    renameSync(inside("dir"), outside("moved"));
    expect(() => handle.read("../secret", RANGE)).toThrow(/is not accepted/);
    handle.close();
  });

  test("H5 hard links: a file with a second name outside is not written", async () => {
    linkSync(outside("secret"), inside("hard"));
    await expect(root.write("hard", data)).rejects.toMatchObject({ code: "hard-link" });
    expect(readFileSync(outside("secret"), "utf8")).toBe("outside");
  });

  test("H6 magic links: /proc below the workspace leads nowhere", async () => {
    const proc = openHostDirectory("/proc", { actions: ["read", "write"] });
    for (const path of ["self", "self/cwd", "self/root/etc/passwd", "self/fd/0", "thread-self/root"]) {
      expect(() => proc.read(path, RANGE), path).toThrow(/link/);
      expect(() => proc.openDirectory(path), path).toThrow(/link/);
    }
    expect(() => proc.openDirectory(`${process.pid}/root`)).toThrow(/link/);
    expect(() => proc.openDirectory(`${process.pid}/cwd`)).toThrow(/link/);
    await expect(proc.write(`${process.pid}/root/tmp/x`, data)).rejects.toMatchObject({ code: "link" });
    proc.close();
  });

  test("H7 NUL: a path that hides its end is refused", async () => {
    expect(new Set(await everyWay("dir/file\0.txt"))).toEqual(new Set(["bad-path"]));
  });

  test("H8 a name with a trailing dot or space is refused, so that it cannot stand for another", async () => {
    for (const path of ["dir/file.", "dir/file ", "dir./file"]) {
      expect(new Set(await everyWay(path)), path).toEqual(new Set(["bad-path"]));
    }
  });

  test("H10 a read-only handle refuses every change, also through handles made from it", async () => {
    const reader = openHostDirectory(inside(""), { actions: ["read"] });
    const below = reader.openDirectory("dir");
    for (const handle of [reader, below]) {
      await expect(handle.write("new", data)).rejects.toMatchObject({ code: "read-only" });
      await expect(handle.remove("file")).rejects.toMatchObject({ code: "read-only" });
      await expect(handle.createDirectory("new")).rejects.toMatchObject({ code: "read-only" });
      await expect(handle.rename("file", "other")).rejects.toMatchObject({ code: "read-only" });
    }
    const blind = openHostDirectory(inside(""), { actions: ["write"] });
    expect(() => blind.read("dir/file", RANGE)).toThrow(/action `read`/);
    for (const handle of [below, reader, blind]) handle.close();
    expect(readFileSync(inside("dir/file"), "utf8")).toBe("inside");
  });

  test("H11 a handle kept after its close is of no use", () => {
    const handle = root.openDirectory("dir");
    handle.close();
    expect(() => handle.read("file", RANGE)).toThrow(/closed/);
  });

  test("H13 a sparse terabyte is not read into memory, and a crowded directory is not listed in part", () => {
    writeFileSync(inside("sparse"), "");
    truncateSync(inside("sparse"), 2 ** 40);
    expect(root.stat("sparse").size).toBe(2 ** 40);
    expect(() => root.read("sparse", { offset: 0, length: 2 ** 40 })).toThrow(/limit/);
    expect(root.read("sparse", { offset: 2 ** 40 - 5, length: 100 })).toHaveLength(5);
    const small = openHostDirectory(inside(""), { actions: ["read"], limits: { entries: 3 } });
    for (const name of ["1", "2", "3", "4"]) writeFileSync(inside(name), "");
    expect(() => small.list(".")).toThrow(/more than 3 entries/);
    small.close();
  });

  test("H14 devices, sockets and FIFOs are neither opened nor waited for", async () => {
    execFileSync("mkfifo", [inside("fifo")]);
    const server = createServer().listen(inside("socket"));
    await new Promise((resolve) => server.once("listening", resolve));
    for (const path of ["fifo", "socket"]) {
      expect(root.stat(path).kind).toBe("special");
      expect(() => root.read(path, RANGE)).toThrow(/device, FIFO or socket/);
      await expect(root.write(path, data)).rejects.toMatchObject({ code: "special-file" });
    }
    const dev = openHostDirectory("/dev", { actions: ["read", "write"] });
    expect(() => dev.read("zero", RANGE)).toThrow(/device, FIFO or socket/);
    await expect(dev.write("null", data)).rejects.toMatchObject({ code: "special-file" });
    dev.close();
    await new Promise((resolve) => server.close(resolve));
  });
});

/** The last one when the link is a directory again by the time it is looked at. */
const REFUSALS = ["link", "not-found", "not-a-directory"];

const RACER = `
  const { renameSync } = require("node:fs");
  process.chdir(process.argv[1]);
  process.stdout.write("ready");
  function swap(real, link) {
    renameSync(real, "spare"); renameSync(link, real);
    renameSync(real, link); renameSync("spare", real);
  }
  (function race() {
    for (let i = 0; i < 200; i++) { swap("dir", "link"); swap("leaf", "leaf-link"); }
    setImmediate(race);
  })();
`;
