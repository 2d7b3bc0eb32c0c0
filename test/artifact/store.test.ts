import { execFileSync, fork } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import { openStore } from "../../src/artifact/store.ts";
import { digestOf } from "../../src/model/canonical.ts";
import { InputError, IntegrityError, WorldError } from "../../src/model/errors.ts";
import { runs, seed } from "../support/property.ts";

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "pinion-store-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function pathIn(root: string, text: string): string {
  const hex = digestOf(text).slice(7);
  return join(root, "sha256", hex.slice(0, 2), hex);
}

function files(root: string): string[] {
  return readdirSync(root, { recursive: true, encoding: "utf8" }).filter((name) => statSync(join(root, name)).isFile());
}

describe("the artifact store", () => {
  it("gives back what was put, under its sha256, readable by its owner alone", async () => {
    const root = join(folder(), "deep", "store");
    const store = openStore({ root });
    const digest = await store.put(bytes("hello"));
    expect(digest).toBe(digestOf("hello"));
    expect(await store.get(digest)).toEqual(Buffer.from("hello"));
    expect(await store.has(digest)).toBe(true);
    expect(statSync(pathIn(root, "hello")).mode & 0o777).toBe(0o600);
    expect(statSync(root).mode & 0o777).toBe(0o700);
    expect(statSync(join(root, "sha256")).mode & 0o777).toBe(0o700);
  });

  it("says which artifact is missing and where it was looked for", async () => {
    const root = folder();
    const other = folder();
    const store = openStore({ root, fallbacks: [other] });
    const digest = digestOf("nothing");
    expect(await store.has(digest)).toBe(false);
    const error = await store.get(digest).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(InputError);
    expect(error).toMatchObject({ code: "artifact-missing" });
    expect(String(error)).toContain(digest);
    expect(String(error)).toContain(other);
  });

  it("reads from its fallbacks and never writes to them", async () => {
    const shipped = folder();
    await openStore({ root: shipped }).put(bytes("shipped"));
    const root = folder();
    const store = openStore({ root, fallbacks: [folder(), shipped] });
    expect(await store.get(digestOf("shipped"))).toEqual(Buffer.from("shipped"));
    expect(await store.has(digestOf("shipped"))).toBe(true);
    await store.put(bytes("mine"));
    expect(files(shipped)).toHaveLength(1);
    expect(files(root)).toHaveLength(1);
  });

  it("B15 an artifact that changed on disk: refused on every read, whichever byte it was, and left for inspection", async () => {
    const text = "the pinned bytes";
    await fc.assert(
      fc.asyncProperty(fc.nat(text.length * 8 - 1), async (bit) => {
        const root = mkdtempSync(join(tmpdir(), "pinion-store-"));
        try {
          const store = openStore({ root });
          const digest = await store.put(bytes(text));
          const damaged = readFileSync(pathIn(root, text));
          damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
          writeFileSync(pathIn(root, text), damaged);
          await expect(store.get(digest)).rejects.toThrow(IntegrityError);
          await expect(store.get(digest)).rejects.toMatchObject({ code: "artifact-damaged" });
          await expect(store.put(bytes(text))).rejects.toThrow(IntegrityError);
          expect(readFileSync(pathIn(root, text))).toEqual(damaged);
        } finally {
          rmSync(root, { recursive: true });
        }
      }),
      { seed, numRuns: runs(20, 500) },
    );
  });

  it("refuses a damaged file even when a fallback has the right bytes", async () => {
    const [root, shipped] = [folder(), folder()];
    const digest = await openStore({ root: shipped }).put(bytes("right"));
    const store = openStore({ root, fallbacks: [shipped] });
    await store.put(bytes("right"));
    writeFileSync(pathIn(root, "right"), "wrong");
    await expect(store.get(digest)).rejects.toThrow(IntegrityError);
  });

  it("B14 a link, a folder or a pipe in place of an artifact is refused, not followed and not waited for", async () => {
    for (const plant of [
      (path: string, root: string) => {
        writeFileSync(join(root, "elsewhere"), "text");
        symlinkSync(join(root, "elsewhere"), path);
      },
      (path: string) => mkdirSync(path),
      (path: string) => execFileSync("mkfifo", [path]),
    ]) {
      const root = folder();
      const path = pathIn(root, "text");
      mkdirSync(join(path, ".."), { recursive: true });
      plant(path, root);
      const store = openStore({ root });
      await expect(store.get(digestOf("text"))).rejects.toThrow(IntegrityError);
      await expect(store.put(bytes("text"))).rejects.toThrow(IntegrityError);
      await expect(store.has(digestOf("text"))).rejects.toThrow(IntegrityError);
    }
  });

  it("is not disturbed by what a crash left behind", async () => {
    const root = folder();
    const path = pathIn(root, "text");
    mkdirSync(join(path, ".."), { recursive: true });
    for (const n of [0, 1]) writeFileSync(`${path}.${process.pid}.${n}.tmp`, "te");
    const store = openStore({ root });
    expect(await store.has(digestOf("text"))).toBe(false);
    await store.put(bytes("text"));
    expect(await store.get(digestOf("text"))).toEqual(Buffer.from("text"));
    expect(readFileSync(`${path}.${process.pid}.0.tmp`, "utf8")).toBe("te");
  });

  it("leaves nothing half-written when the folder cannot be written", async () => {
    const root = folder();
    writeFileSync(join(root, "sha256"), "a file in place of the folder");
    const error = await openStore({ root })
      .put(bytes("text"))
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(WorldError);
    expect(files(root)).toEqual(["sha256"]);
  });

  it("serves many writers in several processes: one whole file, no temporary left", async () => {
    const root = folder();
    const script = join(folder(), "writer.ts");
    const module = new URL("../../src/artifact/store.ts", import.meta.url).href;
    writeFileSync(
      script,
      `import { openStore } from ${JSON.stringify(module)};
       const store = openStore({ root: ${JSON.stringify(root)} });
       const text = new TextEncoder().encode("x".repeat(200_000));
       await Promise.all(Array.from({ length: 8 }, () => store.put(text)));`,
    );
    const exits = Array.from({ length: 3 }, () => new Promise((resolve) => fork(script).on("exit", resolve)));
    expect(await Promise.all(exits)).toEqual([0, 0, 0]);
    expect(files(root)).toHaveLength(1);
    expect(await openStore({ root }).get(digestOf("x".repeat(200_000)))).toHaveLength(200_000);
  });
});
