// A process that says, as JSON, in which order one change of an overlay comes to the disk, or what happens when the disk fails.
import { mkdirSync, readlinkSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { argv } from "node:process";
import { watchDisk } from "./killer.ts";

const [, , root = "", what = ""] = argv;
const workspace = join(root, "workspace");
const folder = join(root, "run");
mkdirSync(workspace);
writeFileSync(join(workspace, "a"), "a");
writeFileSync(join(workspace, "b"), "b");

const TRACED = ["fsync", "fdatasync", "renameSync", "unlinkSync"];
const calls: string[] = [];
let tracing = false;
let broken = false;
watchDisk((call, path) => {
  if (!tracing || !TRACED.includes(call)) return;
  const [, fd = path, name = ""] = /^\/proc\/self\/fd\/(\d+)(.*)$/.exec(path) ?? [];
  const where = relative(folder, `${readlinkSync(`/proc/self/fd/${fd}`)}${name}`);
  if (!where.startsWith("kept")) calls.push(`${call} ${where}`);
  if (broken && call === "fdatasync") throw Object.assign(new Error("EIO: from the test"), { code: "EIO" });
});

const { openOverlay } = await import("../../../src/vfs/overlay/open.ts");
const overlay = await openOverlay({ base: workspace, folder, quota: { bytes: 1e6, files: 100 } });
const directory = overlay.open(["read", "write"]);
const CHANGES: Readonly<Record<string, () => Promise<void>>> = {
  write: () => directory.write("a", Buffer.from("changed")),
  remove: () => directory.remove("a"),
  move: () => directory.rename("a", "moved"),
  "remove own": () => directory.remove("own"),
};
const codeOf = (action: Promise<unknown>) =>
  action.then(
    () => "done",
    (error: { readonly code?: unknown }) => error.code,
  );

if (what === "broken log") {
  tracing = broken = true;
  const codes = [await codeOf(directory.write("a", Buffer.from("x")))];
  broken = false;
  codes.push(await codeOf(directory.write("b", Buffer.from("x"))));
  codes.push(await codeOf(overlay.discard()));
  const shown = directory.list(".").entries.map(({ name }) => name);
  process.stdout.write(JSON.stringify({ codes, shown, changes: overlay.changes() }));
} else {
  if (what === "remove own") await directory.write("own", Buffer.from("x"));
  tracing = true;
  await CHANGES[what]?.();
  tracing = false;
  process.stdout.write(JSON.stringify(calls));
}
overlay.close();
