import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openHostDirectory } from "../../src/vfs/host.ts";
import type { Incoming } from "../../src/vfs/overlay/overlay.ts";
import { directoryContract } from "../contract/directory.ts";
import { putInto } from "../contract/given.ts";
import type { Given, Kind, Trial } from "../contract/trial.ts";
import { Bench } from "./overlay/bench.ts";

const limits = { bytes: 1000, entries: 20 };

const host: Kind = {
  name: "a directory of the host",
  async start(given) {
    const root = mkdtempSync(join(tmpdir(), "pinion-contract-"));
    const [folder, outside] = [join(root, "folder"), join(root, "outside")];
    for (const path of [folder, outside]) mkdirSync(path);
    putInto(folder, outside, given);
    const open: Trial["open"] = (actions) => openHostDirectory(folder, { actions, limits });
    const directory = open(["read", "write"]);
    const close = () => {
      directory.close();
      rmSync(root, { recursive: true });
    };
    return { root: directory, open, close };
  },
};

async function overlayTrial(bench: Bench): Promise<Trial> {
  const overlay = await bench.open({ limits });
  return {
    root: overlay.open(["read", "write"]),
    open: (actions) => overlay.open(actions),
    close: () => bench.close(),
  };
}

const NOWHERE = { "gives out a descriptor of the directory": "the merged tree is nowhere on the host" };

const overlay: Kind = {
  name: "an overlay whose workspace holds everything",
  async start(given) {
    const bench = new Bench();
    putInto(bench.workspace, bench.left, given);
    return overlayTrial(bench);
  },
  skips: NOWHERE,
};

/** Everything comes from the layer: a process left it there. */
const layer: Kind = {
  name: "an overlay whose layer holds everything",
  async start(given) {
    const bench = new Bench();
    const filling = await bench.open();
    await filling.absorb(arrivals(bench, given), 0n);
    bench.closeAll();
    return overlayTrial(bench);
  },
  skips: {
    ...NOWHERE,
    "lists kinds and sizes, before and after changes": "a layer takes no FIFO",
    "H14 FIFOs are neither opened nor waited for": "a layer takes no FIFO",
    "H5 hard links: a file with further names is not written": "what comes into a layer has one name",
  },
};

function arrivals(bench: Bench, given: Readonly<Record<string, Given>>): readonly Incoming[] {
  const incoming = new Map<string, Incoming>();
  for (const [path, node] of Object.entries(given)) {
    const segments = path.split("/");
    for (let length = 1; length < segments.length; length++) {
      const above = segments.slice(0, length).join("/");
      incoming.set(above, { kind: "directory", path: above, opaque: false });
    }
    const source = join(bench.left, String(incoming.size));
    if (node.kind === "file") writeFileSync(source, node.text);
    if (node.kind === "directory") incoming.set(path, { kind: "directory", path, opaque: false });
    if (node.kind === "link") incoming.set(path, { kind: "link", path, target: node.target });
    if (node.kind === "file") incoming.set(path, { kind: "file", path, source, executable: node.executable === true });
  }
  return [...incoming.values()];
}

for (const kind of [host, overlay, layer]) directoryContract(kind);
