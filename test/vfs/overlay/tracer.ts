// A process that says, as JSON, in which order one change of an overlay comes to the disk, or what happens when the disk fails.
import { mkdirSync, readlinkSync, symlinkSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { argv } from "node:process";
import { watchDisk } from "./killer.ts";

const [, , root = "", what = ""] = argv;
const workspace = join(root, "workspace");
const folder = join(root, "run");
mkdirSync(workspace);
writeFileSync(join(workspace, "a"), "a");
writeFileSync(join(workspace, "b"), "b");
mkdirSync(join(workspace, "directory"));
symlinkSync("a", join(workspace, "directory", "link"));

const TRACED = ["fsync", "fdatasync", "fsyncSync", "renameSync", "unlinkSync", "sync"];
/** What fails, and how, once the disk is broken. */
const FAULTS: Readonly<Record<string, readonly [call: string, code: string]>> = {
  "broken log": ["fdatasync layer.jsonl", "EIO"],
  "full log": ["fdatasync layer.jsonl", "ENOSPC"],
  "broken name": ["fsync upper", "EIO"],
  "broken plan": ["fsync .", "EIO"],
};
const calls: string[] = [];
let tracing = false;
let broken = false;
const fault = FAULTS[what];
watchDisk((call, path) => {
  if (!tracing || !TRACED.includes(call)) return;
  const [, fd = path, name = ""] = /^\/proc\/self\/fd\/(\d+)(.*)$/.exec(path) ?? [];
  const where = relative(folder, `${readlinkSync(`/proc/self/fd/${fd}`)}${name}`);
  const what = `${call} ${where || "."}`;
  if (!where.startsWith("kept")) calls.push(what);
  if (broken && fault?.[0] === what) throw Object.assign(new Error(`${fault[1]}: from the test`), { code: fault[1] });
});

const { openOverlay } = await import("../../../src/vfs/overlay/open.ts");
const options = { base: workspace, folder, quota: { bytes: 1e6, files: 100 } };
const overlay = await openOverlay(options);
const directory = overlay.open(["read", "write"]);
const CHANGES: Readonly<Record<string, () => Promise<void>>> = {
  write: () => directory.write("a", Buffer.from("changed")),
  remove: () => directory.remove("a"),
  move: () => directory.rename("a", "moved"),
  "move directory": () => directory.rename("directory", "moved"),
  "remove own": () => directory.remove("own"),
};
const codeOf = (action: Promise<unknown>) =>
  action.then(
    () => "done",
    (error: { readonly code?: unknown }) => error.code,
  );

if (fault !== undefined) {
  tracing = broken = true;
  const change = what === "broken plan" ? CHANGES["move directory"] : CHANGES.write;
  const codes = [await codeOf(change?.() ?? Promise.resolve())];
  broken = false;
  codes.push(await codeOf(directory.write("b", Buffer.from("x"))));
  codes.push(await codeOf(overlay.discard()));
  const shown = directory.list(".").entries.map(({ name }) => name);
  overlay.close();
  const again = await openOverlay(options);
  process.stdout.write(JSON.stringify({ codes, shown, changes: again.changes().map(({ path }) => path) }));
  again.close();
} else {
  if (what === "remove own") await directory.write("own", Buffer.from("x"));
  tracing = true;
  await CHANGES[what]?.();
  tracing = false;
  process.stdout.write(JSON.stringify(calls));
}
overlay.close();
