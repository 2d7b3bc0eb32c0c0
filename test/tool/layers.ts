import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";
import { ToolError } from "../../src/model/tool.ts";
import type { Backend } from "../../src/tool/process/backend.ts";
import { SHELL } from "../../src/tool/process/namespaces.ts";
import type { CopyLimits } from "../../src/tool/process/tree/copying.ts";
import type { Incoming, LayeredFiles } from "../../src/tool/process/tree/layered.ts";
import { type LayeredTree, openLayeredTree } from "../../src/tool/process/tree/open.ts";
import { probeTree, type TreeProbe } from "../../src/tool/process/tree/probe.ts";
import { removeTree } from "../../src/tool/process/tree/scratch.ts";
import { openHostDirectory } from "../../src/vfs/host.ts";
import { parsePath } from "../../src/vfs/path.ts";
import { type Bench, type BenchOptions, bench } from "./kit.ts";

/** A layer as simple as can be: plain folders, and a set of hidden paths. Takes over all of it or, over quota, nothing. */
export class PlainLayer implements LayeredFiles {
  readonly layers: LayeredFiles["layers"];
  readonly quota: LayeredFiles["quota"];
  readonly #hidden = new Set<string>();
  absorbed: readonly Incoming[] = [];
  since = 0n;

  constructor(layers: LayeredFiles["layers"], quota: LayeredFiles["quota"]) {
    this.layers = layers;
    this.quota = quota;
  }

  hidden(): readonly string[] {
    return [...this.#hidden].sort();
  }

  hide(path: string): void {
    this.#hidden.add(path);
  }

  absorb(incoming: readonly Incoming[], since: bigint): Promise<void> {
    this.absorbed = incoming;
    this.since = since;
    if (incoming.length > this.quota.files) return Promise.reject(new ToolError("quota", "the layer is full"));
    for (const change of incoming) this.#apply(change, join(this.layers.upper, change.path));
    return Promise.resolve();
  }

  #apply(change: Incoming, target: string): void {
    if (change.kind !== "directory" || change.opaque) {
      rmSync(target, { recursive: true, force: true });
      if (change.kind !== "nothing" || existsBelow(this.layers.base, change.path)) this.hide(change.path);
    }
    if (change.kind === "nothing") return;
    mkdirSync(dirname(target), { recursive: true });
    if (change.kind === "directory") mkdirSync(target, { recursive: true });
    else if (change.kind === "link") symlinkSync(change.target, target);
    else {
      renameSync(change.source, target);
      chmodSync(target, change.executable ? 0o755 : 0o644);
    }
  }
}

function existsBelow(folder: string, path: string): boolean {
  return lstatSync(join(folder, path), { throwIfNoEntry: false }) !== undefined;
}

/** What there is below a folder, by path: `d`, `l target`, `f content` or `x content`, `?`. */
export type Listing = Readonly<Record<string, string>>;

export function listingOf(root: string): Listing {
  const found: [string, string][] = [];
  const walk = (path: string): void => {
    for (const name of readdirSync(join(root, path)).sort()) {
      const inner = path === "" ? name : `${path}/${name}`;
      found.push([inner, shown(join(root, inner))]);
      if (lstatSync(join(root, inner)).isDirectory()) walk(inner);
    }
  };
  walk("");
  return Object.fromEntries(found);
}

function shown(path: string): string {
  const stats = lstatSync(path);
  if (stats.isDirectory()) return "d";
  if (stats.isSymbolicLink()) return `l ${readlinkSync(path)}`;
  if (!stats.isFile()) return "?";
  return `${(stats.mode & 0o100) === 0 ? "f" : "x"} ${readFileSync(path, "latin1")}`;
}

/** The merged tree as the two layers say. */
export function mergedListing(layer: Pick<LayeredFiles, "layers" | "hidden">): Listing {
  const above = listingOf(layer.layers.upper);
  const gone = layer.hidden();
  const under = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`);
  const below = Object.entries(listingOf(layer.layers.base)).filter(
    ([path]) =>
      !gone.some((folder) => under(path, folder)) &&
      !Object.entries(above).some(([other, what]) => what !== "d" && path.startsWith(`${other}/`)),
  );
  const merged = { ...Object.fromEntries(below), ...above };
  return Object.fromEntries(Object.entries(merged).sort(([left], [right]) => (left < right ? -1 : 1)));
}

export interface Layered {
  readonly there: Bench;
  readonly layer: PlainLayer;
  readonly tree: LayeredTree;
  /** Where processes leave what they change. */
  readonly scratch: string;
  /** Of the workspace itself. */
  base(): Listing;
  merged(): Listing;
}

export interface LayeredOptions extends Omit<BenchOptions, "tree" | "folder"> {
  readonly probe: TreeProbe;
  readonly quota?: LayeredFiles["quota"];
  readonly copyLimits?: CopyLimits;
  readonly trial?: Backend;
  /** Fills the workspace and the layer. */
  readonly fill?: (at: { readonly base: string; readonly upper: string }, layer: PlainLayer) => void;
}

export const isSpelled = (path: string): boolean => {
  try {
    return parsePath(path).length > 0;
  } catch {
    return false;
  }
};

/** Real tools whose processes see a merged tree. Everything is removed when the test is over. */
export async function layered(options: LayeredOptions): Promise<Layered> {
  const folder = mkdtempSync(join(tmpdir(), "pinion-layers-"));
  const layers = { base: join(folder, "workspace"), upper: join(folder, "upper") };
  const scratch = join(folder, "scratch");
  for (const path of Object.values(layers)) mkdirSync(path);
  const layer = new PlainLayer(layers, options.quota ?? { bytes: 1024 ** 3, files: 100_000 });
  options.fill?.(layers, layer);
  const tree = await openLayeredTree({
    files: layer,
    folder: scratch,
    accepts: isSpelled,
    openDirectory: (path) => openHostDirectory(path, { actions: ["read"] }),
    trial: [SHELL, "-c", ":"],
    probe: options.probe,
    ...(options.copyLimits === undefined ? {} : { limits: options.copyLimits }),
  });
  onTestFinished(() => {
    tree.close();
    if (existsSync(folder)) removeTree(folder);
  });
  return {
    there: bench({ ...options, folder, tree }),
    layer,
    tree,
    scratch,
    base: () => listingOf(layers.base),
    merged: () => mergedListing(layer),
  };
}

/** Both mechanisms, with why one cannot be tried here. */
export async function mechanisms(): Promise<
  readonly { readonly name: string; readonly probe: TreeProbe; readonly absent?: string }[]
> {
  const folder = mkdtempSync(join(tmpdir(), "pinion-probe-"));
  try {
    const probe = await probeTree({ folder });
    const copy = { kind: "overlay-copy", reflink: false, why: "for a test" } as const;
    return [
      probe.kind === "overlay-mount"
        ? { name: "overlay-mount", probe }
        : { name: `overlay-mount (skipped: ${probe.why})`, probe, absent: probe.why },
      { name: "overlay-copy", probe: copy },
    ];
  } finally {
    removeTree(folder);
  }
}
