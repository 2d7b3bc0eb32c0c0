import { chmodSync, linkSync, lstatSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { ToolError } from "../../../model/tool.ts";
import { attempt } from "../namespaces.ts";

/** mknod of coreutils: Node has no call for it. Everybody may make this device (mknod(2), since Linux 5.8). */
const MKNOD = "/usr/bin/mknod";

/**
 * Makes layers of whiteouts: one device, and a hard link to it for each hidden path. `folder` holds the device. Rejects with
 * `ToolError` where it cannot be made.
 */
export class Whiteouts {
  readonly #device: string;
  constructor(folder: string) {
    this.#device = join(folder, "scratch-whiteout");
  }

  /** Fills `layer`, an empty directory; directories on the way look as they do in `base`. */
  async render(hidden: readonly string[], layer: string, base: string): Promise<void> {
    let last: string | undefined;
    for (const path of hidden) {
      // Below what is hidden there is nothing to hide.
      if (last !== undefined && path.startsWith(`${last}/`)) continue;
      last = path;
      makeFolders(dirname(path), layer, base);
      await this.#link(join(layer, path));
    }
  }

  async #link(target: string): Promise<void> {
    for (let attempts = 0; attempts < 2; attempts++) {
      try {
        linkSync(this.#device, target);
        return;
      } catch (error) {
        const code = error instanceof Error && "code" in error ? error.code : undefined;
        if (code !== "ENOENT" && code !== "EMLINK") throw error;
        await this.#make();
      }
    }
    throw unmade("the device is removed again and again");
  }

  /** Anew as well when a file system allows no more links to it. */
  async #make(): Promise<void> {
    const fresh = `${this.#device}-new`;
    rmSync(fresh, { force: true });
    const made = await attempt([MKNOD, fresh, "c", "0", "0"]);
    if ("failure" in made) throw unmade(made.failure);
    renameSync(fresh, this.#device);
  }
}

function makeFolders(path: string, layer: string, base: string): void {
  if (path === ".") return;
  const target = join(layer, path);
  if (lstatSync(target, { throwIfNoEntry: false }) !== undefined) return;
  makeFolders(dirname(path), layer, base);
  mkdirSync(target);
  const stats = lstatSync(join(base, path), { throwIfNoEntry: false });
  // Ours to write in, whatever the workspace says.
  if (stats?.isDirectory()) chmodSync(target, (stats.mode & 0o777) | 0o700);
}

function unmade(why: string): ToolError {
  return new ToolError("no-merged-tree", `what the run deleted cannot be hidden from a process: ${why}`);
}
