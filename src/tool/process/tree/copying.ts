import { type BigIntStats, chmodSync, statSync } from "node:fs";
import { ToolError } from "../../../model/tool.ts";
import { breathe } from "../../tool.ts";
import { type Bytes, bytesOf, enterable, Folder, joined } from "./folder.ts";
import { copyFile } from "./gather.ts";
import type { LayeredFiles } from "./layered.ts";

/** Bounds of a tree that is copied for each process. */
export interface CopyLimits {
  readonly bytes: number;
  /** Files, directories and links. */
  readonly entries: number;
}
export const COPY_LIMITS: CopyLimits = { bytes: 8 * 1024 ** 3, entries: 200_000 };

export interface CopyOptions {
  readonly files: LayeredFiles;
  /** `device:inode` of the workspace. */
  readonly identity: string;
  /** A folder of the run for what processes change. Never copied itself. */
  readonly folder: string;
  readonly limits: CopyLimits;
}

/** What was copied, before anybody changed it. */
export interface Snapshot {
  /** Marks of what each folder holds, by its path. */
  readonly folders: ReadonlyMap<Bytes, ReadonlyMap<Bytes, string>>;
  readonly bytes: number;
  readonly count: number;
  /** The time of the last change, in ns. */
  readonly newest: bigint;
}

/** What tells whether somebody changed a node. Of a directory only that it is one: what is in it is looked at. */
export function markOf(stats: BigIntStats): string {
  if (stats.isDirectory()) return "directory";
  return [stats.mode, stats.ino, stats.size, stats.mtimeNs, stats.ctimeNs].join(":");
}

interface Folders {
  /** Entries that are seen whatever the workspace holds under their names. */
  readonly upper: Folder | undefined;
  readonly base: Folder | undefined;
  readonly target: Folder;
}
interface Node {
  readonly from: Folder;
  readonly layer: "upper" | "base";
  /** Where a directory of the upper layer has further entries. */
  readonly base: Folder | undefined;
  readonly target: Folder;
  readonly folder: Bytes;
  readonly name: Bytes;
}

/** Copies the merged tree once, within bounds. Throws `ToolError` beyond them. */
export class Copying {
  readonly #folders = new Map<Bytes, Map<Bytes, string>>();
  readonly #options: CopyOptions;
  readonly #signal: AbortSignal;
  readonly #hidden: ReadonlySet<Bytes>;
  #bytes = 0;
  #count = 0;
  #newest = 0n;

  constructor(options: CopyOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
    this.#hidden = new Set(options.files.hidden().map(bytesOf));
  }

  /** `tree`: an empty directory. */
  async into(tree: string): Promise<Snapshot> {
    const { layers } = this.#options.files;
    using base = Folder.open(layers.base);
    const stats = statSync(`/proc/self/fd/${base.fd}`, { bigint: true });
    if (identityOf(stats) !== this.#options.identity) {
      throw new ToolError("no-merged-tree", "the workspace is no longer where it was");
    }
    using upper = Folder.open(layers.upper);
    using target = Folder.open(tree);
    await this.#copyFolder({ upper, base, target }, "");
    permitAs(target, stats);
    return { folders: this.#folders, bytes: this.#bytes, count: this.#count, newest: this.#newest };
  }

  async #copyFolder({ upper, base, target }: Folders, folder: Bytes): Promise<void> {
    const marks = new Map<Bytes, string>();
    this.#folders.set(folder, marks);
    const above = upper?.names() ?? [];
    const seen = new Set(above);
    for (const name of above)
      if (upper) await this.#copy({ from: upper, layer: "upper", base, target, folder, name }, marks);
    for (const name of base?.names() ?? []) {
      if (seen.has(name) || this.#hidden.has(joined(folder, name)) || base === undefined) continue;
      await this.#copy({ from: base, layer: "base", base: undefined, target, folder, name }, marks);
    }
  }

  async #copy(node: Node, marks: Map<Bytes, string>): Promise<void> {
    const { from, target, name } = node;
    const stats = from.look(name);
    // Devices, FIFOs and sockets of the workspace cannot be copied.
    if (stats === undefined || !(stats.isFile() || stats.isSymbolicLink() || stats.isDirectory())) return;
    this.#add(stats.isFile() ? Number(stats.size) : 0);
    if (this.#count % 100 === 0) await breathe(this.#signal);
    if (stats.isDirectory()) return await this.#copyInner(node, stats, marks);
    if (stats.isFile()) copyFile(from, name, { folder: target, stats });
    else target.link(name, from.target(name));
    const copied = target.look(name);
    if (copied === undefined) return;
    marks.set(name, markOf(copied));
    if (copied.ctimeNs > this.#newest) this.#newest = copied.ctimeNs;
  }

  async #copyInner({ from, layer, base, target, folder, name }: Node, stats: BigIntStats, marks: Map<Bytes, string>) {
    if (identityOf(stats) === identityOf(statSync(this.#options.folder, { bigint: true }))) return;
    const inner = joined(folder, name);
    using own = enterable(from, name);
    using lower = base === undefined || this.#hidden.has(inner) ? undefined : enterable(base, name);
    using made = target.create(name);
    const layers = layer === "base" ? { upper: undefined, base: own } : { upper: own, base: lower };
    await this.#copyFolder({ ...layers, target: made }, inner);
    permitAs(made, stats);
    marks.set(name, "directory");
  }

  #add(size: number): void {
    const { bytes, entries } = this.#options.limits;
    this.#bytes += size;
    this.#count += 1;
    if (this.#count <= entries && this.#bytes <= bytes) return;
    const most = `${entries} files and directories or ${bytes} bytes`;
    const why = "this machine can show a process the files of the run only by copying them";
    throw new ToolError("tree-too-large", `${why}, and they are more than ${most}`);
  }
}

function permitAs(folder: Folder, stats: BigIntStats): void {
  chmodSync(`/proc/self/fd/${folder.fd}`, Number(stats.mode & 0o777n) | 0o700);
}

function identityOf({ dev, ino }: BigIntStats): string {
  return `${dev}:${ino}`;
}
