import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DamagedError } from "../../src/journal/damage.ts";
import { exportRecording } from "../../src/journal/export.ts";
import { openRecording } from "../../src/journal/recording.ts";
import { canonicalJson } from "../../src/model/canonical.ts";
import { InputError, IntegrityError, PinionError } from "../../src/model/errors.ts";
import { runs, seed } from "../support/property.ts";
import { story } from "./story.ts";
import { live, workshop } from "./workshop.ts";

const never = () => Promise.reject(new Error("performed"));
const large = async (what: string) => (/^(start|tool)/.test(what) ? what.repeat(20_000) : what);

async function recorded(world = large, steps = 2) {
  const bench = workshop();
  const told = await live(bench, world, steps);
  const file = join(bench.root, "out.jsonl");
  const exported = await exportRecording(bench.folder, file);
  return {
    bench,
    told,
    file,
    exported,
    bytes: readFileSync(file),
    lines: readFileSync(file, "utf8").split("\n").slice(0, -1),
  };
}

describe("a recording", () => {
  it("holds header, entries, blobs and end marker, and replays without the run's folder", async () => {
    const { bench, told, file, exported, lines } = await recorded();
    expect(exported).toMatchObject({ blobs: 3, complete: true });
    expect(JSON.parse(lines.at(-1) ?? "")).toEqual({ end: true, count: exported.count, head: exported.head, blobs: 3 });
    expect(lines).toHaveLength(1 + exported.count + 3 + 1);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(bench.root).sort()).toEqual(["keys", "out.jsonl", "runs"]);
    rmSync(bench.folder, { recursive: true });
    const replay = bench.replay(file);
    expect(await story(replay, never)).toEqual(told);
    replay.finish();
    await replay.close();
  });

  it("L3 tells one flipped bit at every byte", async () => {
    const { file, bytes } = await recorded(async (what) => what, 0);
    const unnoticed: number[] = [];
    for (let i = 0; i < bytes.length; i++) {
      const edited = Buffer.from(bytes);
      edited[i] = (edited[i] ?? 0) ^ (1 << (i % 8));
      writeFileSync(file, edited);
      if (isWhole(file)) unnoticed.push(i);
    }
    expect(unnoticed).toEqual([]);
    writeFileSync(file, bytes);
    expect(isWhole(file)).toBe(true);
  });

  it("L3 tells any one byte that was changed, put in or taken out, blobs and end marker included", async () => {
    const { file, bytes, lines } = await recorded();
    const blobsFrom = bytes.length - lines.slice(-4).join("\n").length - 1;
    const anywhere = fc.oneof(
      fc.nat(bytes.length - 1),
      fc.integer({ min: blobsFrom, max: bytes.length - 1 }),
      fc.integer({ min: bytes.length - 200, max: bytes.length - 1 }),
    );
    fc.assert(
      fc.property(anywhere, fc.nat(255), fc.constantFrom("change", "insert", "delete"), (at, byte, edit) => {
        fc.pre(edit !== "change" || bytes[at] !== byte);
        const middle = edit === "delete" ? [] : [byte];
        const edited = Buffer.concat([
          bytes.subarray(0, at),
          Buffer.from(middle),
          bytes.subarray(edit === "insert" ? at : at + 1),
        ]);
        writeFileSync(file, edited);
        expect(isWhole(file)).toBe(false);
      }),
      { seed, numRuns: runs(150, 20_000) },
    );
  });

  it("L4 tells lines that were deleted, swapped or doubled, wherever", async () => {
    const { file, lines } = await recorded();
    const write = (edited: readonly string[]) => writeFileSync(file, edited.map((line) => `${line}\n`).join(""));
    const last = lines.length - 1;
    for (let i = 0; i <= last; i++) {
      const doubled = lines.toSpliced(i, 0, lines[i] ?? "");
      const deleted = lines.toSpliced(i, 1);
      const swapped = lines.toSpliced(i, 2, lines[i + 1] ?? "", lines[i] ?? "");
      for (const edited of i === last ? [doubled, deleted] : [doubled, deleted, swapped]) {
        write(edited);
        expect(isWhole(file), `line ${i + 1}`).toBe(false);
      }
    }
  });

  it("L5 is incomplete when its tail was cut, at every line and within one, and good up to there", async () => {
    const { bench, file, lines, bytes } = await recorded();
    for (let keep = 1; keep < lines.length; keep++) {
      const text = lines
        .slice(0, keep)
        .map((line) => `${line}\n`)
        .join("");
      for (const torn of ["", (lines[keep] ?? "").slice(0, 10)]) {
        writeFileSync(file, text + torn);
        expect(openRecording(file)).toMatchObject({ complete: false, torn: torn.length });
      }
    }
    writeFileSync(file, bytes.subarray(0, -1));
    expect(openRecording(file).complete).toBe(false);
    expect(openRecording(bench.folder).complete).toBe(true);
  });

  it("L5 is damaged when something stands behind the end marker", async () => {
    const { file, bytes } = await recorded();
    for (const more of ["\n", " ", "{}", "{}\n", bytes.toString()]) {
      writeFileSync(file, bytes.toString() + more);
      expect(() => openRecording(file)).toThrow(DamagedError);
    }
  });

  it("L3 refuses base64 with other stray bits for the same blob", async () => {
    const { file, lines } = await recorded();
    const at = lines.findIndex((line) => line.startsWith('{"blob"') && /=","?|="}/.test(line));
    const { blob, data } = JSON.parse(lines[at] ?? "");
    const stray = data.replace(
      /(.)(=+)$/,
      (_: string, last: string, pad: string) => String.fromCharCode(last.charCodeAt(0) + 1) + pad,
    );
    expect(Buffer.from(stray, "base64")).toEqual(Buffer.from(data, "base64"));
    writeFileSync(
      file,
      lines
        .toSpliced(at, 1, canonicalJson({ blob, data: stray }))
        .map((line) => `${line}\n`)
        .join(""),
    );
    expect(() => openRecording(file)).toThrow("canonical base64");
  });

  it("of an unfinished run is whole and says that the run is not complete", async () => {
    const { bench, file } = await recorded();
    bench.overwrite(bench.lines().slice(0, -1));
    expect(await exportRecording(bench.folder, file)).toMatchObject({ complete: false });
    expect(openRecording(file)).toMatchObject({ complete: false, torn: 0 });
  });

  it("is not exported from a damaged run, and what stood there before stays", async () => {
    const { bench, file, bytes } = await recorded();
    const [blob = ""] = readdirSync(join(bench.folder, "blobs"));
    writeFileSync(join(bench.folder, "blobs", blob), "other bytes");
    await expect(exportRecording(bench.folder, file)).rejects.toThrow(IntegrityError);
    expect(readFileSync(file).equals(bytes)).toBe(true);
    expect(readdirSync(bench.root).sort()).toEqual(["keys", "out.jsonl", "runs"]);
    await expect(exportRecording(join(bench.root, "none"), file)).rejects.toThrow(InputError);
  });

  it("does not trust a file that changes while it is replayed", async () => {
    const { bench, file, lines } = await recorded();
    const recording = openRecording(file);
    const entry = JSON.parse(lines[2] ?? "");
    lines[2] = canonicalJson({ ...entry, body: { hooks: [] } });
    writeFileSync(file, lines.map((line) => `${line}\n`).join(""));
    expect(() => [...recording.entries()]).toThrow(DamagedError);
    recording.close();
    const folder = openRecording(bench.folder);
    bench.overwrite(bench.lines().toSpliced(-1, 1, (bench.lines().at(-1) ?? "").replace('"steps":2', '"steps":3')));
    expect(() => [...folder.entries()]).toThrow(`expected the entry \`${folder.head}\` that was there before`);
    folder.close();
  });

  it("is told from what is none: a folder without journal, an empty file, a pipe, a device, a picture", async () => {
    const { root } = workshop();
    writeFileSync(join(root, "empty"), "");
    writeFileSync(join(root, "picture"), Buffer.from([0x89, 0x50, 0x4e, 0x47, 10, 0xff, 10]));
    execFileSync("mkfifo", [join(root, "fifo")]);
    for (const path of [
      root,
      join(root, "fifo"),
      join(root, "none"),
      join(root, "empty"),
      join(root, "picture"),
      "/dev/null",
      "/dev/zero",
    ]) {
      expect(() => openRecording(path), path).toThrow(InputError);
    }
  });
});

/** Whether a recording opens and is complete. An error must be one of ours. */
function isWhole(file: string): boolean {
  try {
    const recording = openRecording(file);
    recording.close();
    return recording.complete;
  } catch (error) {
    if (error instanceof PinionError) return false;
    throw error;
  }
}
