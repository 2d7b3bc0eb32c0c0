import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { onTestFinished } from "vitest";
import type { Blob, Delta } from "../../../src/cli/changes/delta.ts";

/** Files and links by path; what git keeps of a folder. */
export type Files = Readonly<Record<string, Blob>>;

export function blob(content: string | Uint8Array, mode: Blob["mode"] = "100644"): Blob {
  const bytes = Buffer.from(content as string);
  return { mode, size: bytes.length, bytes };
}

export function deltas(before: Files, after: Files): readonly Delta[] {
  const paths = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return paths.flatMap((path): readonly Delta[] => {
    const [old, now] = [before[path], after[path]];
    if (old === undefined || now === undefined || (old.mode === "120000") === (now.mode === "120000")) {
      const same = old?.mode === now?.mode && Buffer.compare(bytes(old), bytes(now)) === 0;
      return same ? [] : [{ path, old, now }];
    }
    return [
      { path, old, now: undefined },
      { path, old: undefined, now },
    ];
  });
}

const bytes = (one: Blob | undefined) => one?.bytes ?? new Uint8Array();

/** A folder that is removed when the test is over. */
export function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), "pinion-changes-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function writeFiles(folder: string, files: Files): void {
  for (const [path, { mode, bytes: content }] of Object.entries(files)) {
    const at = join(folder, path);
    mkdirSync(dirname(at), { recursive: true });
    if (mode === "120000") symlinkSync(Buffer.from(content ?? []), at);
    else writeFileSync(at, content ?? "");
    if (mode !== "120000") chmodSync(at, mode === "100755" ? 0o755 : 0o644);
  }
}

/** Every file and link below a folder: mode and content. Links are not followed. */
export function readFiles(folder: string, below = ""): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const entry of readdirSync(join(folder, below), { withFileTypes: true })) {
    const path = join(below, entry.name);
    const at = join(folder, path);
    if (entry.isDirectory()) Object.assign(found, readFiles(folder, path));
    else if (entry.isSymbolicLink()) found[path] = `120000 ${readlinkSync(at)}`;
    else {
      const mode = lstatSync(at).mode & 0o100 ? "100755" : "100644";
      found[path] = `${mode} ${readFileSync(at).toString("latin1")}`;
    }
  }
  return found;
}

export function installed(command: string): boolean {
  return spawnSync(command, ["--version"]).status === 0;
}

export function applyWithGit(folder: string, patch: Uint8Array): void {
  const env = { PATH: process.env.PATH, HOME: folder, GIT_CEILING_DIRECTORIES: dirname(folder), LC_ALL: "C" };
  execFileSync("git", ["apply", "--whitespace=nowarn", "-"], { cwd: folder, input: patch, env, stdio: "pipe" });
}

const NAMES = ["a", "b", "dir", "with space", "é", "ta\tb", 'quo"te', "back\\slash", "文", "-dash", "x b", "c\u0001"];
const name = fc.constantFrom(...NAMES);
const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((parts) => parts.join("/"));
const line = fc.constantFrom(
  "one\n",
  "two\n",
  "\n",
  "-- a/x\n",
  "++ b/x\n",
  "@@ -1 +1 @@\n",
  "diff --git a/x b/x\n",
  "é\r\n",
  "\u001b[31m\n",
);
const text = fc
  .tuple(fc.array(line, { maxLength: 12 }), fc.constantFrom("", "no end", "\\ No newline"))
  .map(([lines, end]) => Buffer.from(lines.join("") + end));
const binary = fc.uint8Array({ minLength: 1, maxLength: 200 }).map((found) => Buffer.from([...found, 0]));
const invalid = fc.uint8Array({ maxLength: 40 }).map((found) => Buffer.from(found.map((byte) => byte || 1)));
const file = fc.record({
  mode: fc.constantFrom<Blob["mode"]>("100644", "100755"),
  bytes: fc.oneof({ weight: 4, arbitrary: text }, binary, invalid),
});
const link = fc.record({
  mode: fc.constant<Blob["mode"]>("120000"),
  bytes: fc.constantFrom("dir", "../dir", "nowhere", "é x").map((target) => Buffer.from(target)),
});

/** Trees as a file system can hold them: nothing lies below a file. */
export const files: fc.Arbitrary<Files> = fc
  .dictionary(path, fc.oneof({ weight: 5, arbitrary: file }, link), { maxKeys: 8 })
  .map((found) => {
    const kept: Record<string, Blob> = {};
    for (const [at, { mode, bytes: content }] of Object.entries(found)) {
      const clash = Object.keys(kept).some((other) => other.startsWith(`${at}/`) || at.startsWith(`${other}/`));
      // Git cannot put a folder in the place of a link that leads to itself: its own patches fail there, too.
      const loops = mode === "120000" && /(^|\/)dir$/.test(at);
      if (!clash && !loops) kept[at] = { mode, bytes: content, size: content.length };
    }
    return kept;
  });
export { line as diffLine, text as diffText };
