import {
  type BigIntStats,
  closeSync,
  constants,
  copyFileSync,
  fstatSync,
  mkdirSync,
  openSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { type Bytes, Folder, isDenied, isGone, spelled } from "./folder.ts";
import type { Harvest, Incoming } from "./layered.ts";

/** O_NONBLOCK: should a FIFO have taken the place of the file, opening it must not wait. */
const FILE = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const SHOWN = 3;

/** Collects what a process left, as `absorb` takes it, and what has to be left out. */
export class Gathering {
  readonly #incoming: Incoming[] = [];
  readonly #special: Bytes[] = [];
  readonly #unspelled: Bytes[] = [];
  readonly #root: string;
  readonly #spare: string;
  readonly #accepts: (path: string) => boolean;
  #copies = 0;

  /**
   * `root`: the host path of the tree that is gathered from. `spare`: a folder for copies, made when it is needed.
   * `accepts`: whether the tools can spell a path.
   */
  constructor(root: string, spare: string, accepts: (path: string) => boolean) {
    this.#root = root;
    this.#spare = spare;
    this.#accepts = accepts;
  }

  get harvest(): Harvest {
    return {
      incoming: this.#incoming,
      notes: [
        ...left("devices, FIFOs or sockets are not kept", this.#special),
        ...left("names that no path can spell are not kept", this.#unspelled),
      ],
    };
  }

  gone(path: Bytes): void {
    this.#spell(path, (text) => this.#incoming.push({ kind: "nothing", path: text }));
  }

  /** False when its name, and so all that is in it, has to be left out. */
  directory(path: Bytes, opaque: boolean): boolean {
    return this.#spell(path, (text) => this.#incoming.push({ kind: "directory", path: text, opaque }));
  }

  /** Anything but a directory. */
  leaf(path: Bytes, at: { readonly folder: Folder; readonly name: Bytes; readonly stats: BigIntStats }): void {
    const { folder, name, stats } = at;
    this.#spell(path, (text) => {
      if (stats.isFile()) this.#file(text, at);
      else if (!stats.isSymbolicLink()) this.#special.push(path);
      else {
        const target = spelled(folder.target(name).toString("latin1"), () => true);
        if (target === undefined) this.#unspelled.push(path);
        else this.#incoming.push({ kind: "link", path: text, target });
      }
    });
  }

  /** Whether the path can be spelled; if not, it is noted. */
  names(path: Bytes): boolean {
    return this.#spell(path, () => undefined);
  }

  #file(path: string, { folder, name, stats }: { folder: Folder; name: Bytes; stats: BigIntStats }): void {
    folder.permit(name, stats, 0o600n);
    const executable = (stats.mode & 0o100n) !== 0n;
    // Two names of one file would go on being one file in the layer.
    const source = stats.nlink > 1n ? this.#copy(folder, name, stats) : join(this.#root, path);
    this.#incoming.push({ kind: "file", path, source, executable });
  }

  #copy(folder: Folder, name: Bytes, stats: BigIntStats): string {
    mkdirSync(this.#spare, { recursive: true, mode: 0o700 });
    using spare = Folder.open(this.#spare);
    const copy = String(this.#copies++);
    copyFile(folder, name, { folder: spare, name: copy, stats });
    return join(this.#spare, copy);
  }

  #spell(path: Bytes, use: (text: string) => void): boolean {
    const text = spelled(path, this.#accepts);
    if (text === undefined) this.#unspelled.push(path);
    else use(text);
    return text !== undefined;
  }
}

/**
 * Copies a regular file with its permissions and times, sharing its blocks where the file system can; never follows a link. Of
 * one that may not be read, there is an empty one that may not be read either; of one that is gone meanwhile, none.
 */
export function copyFile(
  folder: Folder,
  name: Bytes,
  to: { readonly folder: Folder; readonly name?: Bytes; readonly stats: BigIntStats },
): void {
  const target = to.folder.at(to.name ?? name);
  let fd: number;
  try {
    fd = openSync(folder.at(name), FILE);
  } catch (error) {
    if (isDenied(error)) writeFileSync(target, "", { flag: "wx", mode: 0 });
    else if (!isGone(error)) throw error;
    return;
  }
  try {
    if (!fstatSync(fd).isFile()) return;
    copyFileSync(`/proc/self/fd/${fd}`, target, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
    utimesSync(target, Number(to.stats.atimeNs) / 1e9, Number(to.stats.mtimeNs) / 1e9);
  } finally {
    closeSync(fd);
  }
}

function left(what: string, paths: readonly Bytes[]): readonly string[] {
  if (paths.length === 0) return [];
  const shown = paths.slice(0, SHOWN).map((path) => JSON.stringify(Buffer.from(path, "latin1").toString("utf8")));
  return [`${what}: ${shown.join(", ")}${paths.length > SHOWN ? ` and ${paths.length - SHOWN} more` : ""}`];
}
