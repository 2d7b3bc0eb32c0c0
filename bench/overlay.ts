/**
 * What an overlay costs: reads and writes of files beside the same through the host driver and through bare node:fs, in turns
 * in one process, as ratios of medians; then the changes of a run among many files. `node bench/overlay.ts`
 */
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Directory } from "../src/vfs/directory.ts";
import { openHostDirectory } from "../src/vfs/host.ts";
import { openOverlay } from "../src/vfs/overlay/open.ts";
import { interleaved, type Measured, ms, p50, report, say } from "./measure.ts";

const ROUNDS = Number(process.argv[2] ?? 3000);
const WRITES = Math.ceil(ROUNDS / 5);
const BYTES = 10_000;
const FILES = 10_000;
const CHANGED = 100;
const actions = ["read", "write"] as const;
const root = mkdtempSync(join(tmpdir(), "pinion-bench-"));
const [direct, workspace] = [join(root, "direct"), join(root, "workspace")];
const data = Buffer.alloc(BYTES, "x");

for (const folder of [direct, workspace]) {
  for (let part = 0; part < 100; part++) {
    mkdirSync(join(folder, `src/${part}`), { recursive: true });
    for (let index = 0; index < FILES / 100; index++) writeFileSync(join(folder, `src/${part}/${index}.ts`), data);
  }
}
const overlay = await openOverlay({ base: workspace, folder: join(root, "run"), quota: { bytes: 1e9, files: 1e6 } });
const [host, merged] = [openHostDirectory(direct, { actions }), overlay.open(actions)];
const [hostDeep, mergedDeep] = [host.openDirectory("src/7"), merged.openDirectory("src/7")];
const range = { offset: 0, length: BYTES };

/** Another file each time: the first change of a file is the dear one. */
const next = (() => {
  const counts = new Map<string, number>();
  return (who: string) => {
    const count = counts.get(who) ?? 0;
    counts.set(who, count + 1);
    return `src/${count % 100}/${Math.floor(count / 100) % (FILES / 100)}.ts`;
  };
})();

function compare(title: string, [bare, ours, overlaid]: readonly Measured[]): void {
  if (bare === undefined || ours === undefined || overlaid === undefined) throw new Error("three candidates");
  for (const measured of [bare, ours, overlaid]) report(measured);
  say(
    title,
    `${(p50(overlaid) / p50(ours)).toFixed(2)} × host driver, ${(p50(overlaid) / p50(bare)).toFixed(2)} × node:fs`,
  );
}

const read = (directory: Directory, path: string) => () => directory.read(path, range);
compare(
  "overlay, reading a file of the workspace",
  await interleaved(
    [
      { name: "read, node:fs", call: () => readFileSync(join(direct, "src/7/7.ts")) },
      { name: "read, host driver", call: read(host, "src/7/7.ts") },
      { name: "read, overlay", call: read(merged, "src/7/7.ts") },
    ],
    ROUNDS,
    300,
  ),
);
compare(
  "overlay, reading through a handle below",
  await interleaved(
    [
      { name: "read below, node:fs", call: () => readFileSync(join(direct, "src/7/7.ts")) },
      { name: "read below, host driver", call: read(hostDeep, "7.ts") },
      { name: "read below, overlay", call: read(mergedDeep, "7.ts") },
    ],
    ROUNDS,
    300,
  ),
);

/** As a program writes that wants the old content or the new after a crash. */
function replace(path: string): void {
  const file = openSync(`${path}.new`, "w");
  for (let done = 0; done < data.length; ) done += writeSync(file, data, done);
  fsyncSync(file);
  closeSync(file);
  renameSync(`${path}.new`, path);
  const folder = openSync(join(path, ".."), "r");
  fsyncSync(folder);
  closeSync(folder);
}

for (const [what, pathOf] of [
  ["first write", next],
  ["write again", () => "src/7/7.ts"],
  ["new file", (who: string) => next(who).replace(".ts", ".new.ts")],
] as const) {
  compare(
    `overlay, ${what}`,
    await interleaved(
      [
        { name: `${what}, node:fs`, call: () => replace(join(direct, pathOf(`${what} bare`))) },
        { name: `${what}, host driver`, call: () => host.write(pathOf(`${what} host`), data) },
        { name: `${what}, overlay`, call: () => merged.write(pathOf(`${what} overlay`), data) },
      ],
      WRITES,
      20,
    ),
  );
}
await merged.write("src/8/8.ts", data);
compare(
  "overlay, reading a file of the layer",
  await interleaved(
    [
      { name: "read written, node:fs", call: () => readFileSync(join(direct, "src/8/8.ts")) },
      { name: "read written, host driver", call: read(host, "src/8/8.ts") },
      { name: "read written, overlay", call: read(merged, "src/8/8.ts") },
    ],
    ROUNDS,
    300,
  ),
);

await overlay.discard();
for (let count = 0; count < CHANGED; count++) await merged.write(`src/${count}/5.ts`, Buffer.from(`changed ${count}`));
overlay.close();
let start = performance.now();
const again = await openOverlay({ base: workspace, folder: join(root, "run"), quota: { bytes: 1e9, files: 1e6 } });
const opened = performance.now() - start;
start = performance.now();
const { length } = again.changes();
say(`opening, ${CHANGED} of ${FILES} files changed`, ms(opened));
say(`telling ${length} changes`, ms(performance.now() - start));
again.close();
rmSync(root, { recursive: true });
