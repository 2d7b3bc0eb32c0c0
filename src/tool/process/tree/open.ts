import { fstatSync, mkdirSync } from "node:fs";
import type { ProcessTree, Workspace } from "../../ports.ts";
import type { Command } from "../namespaces.ts";
import { copyTree } from "./copy.ts";
import { COPY_LIMITS, type CopyLimits } from "./copying.ts";
import { Folder } from "./folder.ts";
import type { LayeredFiles } from "./layered.ts";
import { mountTree } from "./mount.ts";
import { probeTree, type TreeProbe } from "./probe.ts";
import { clearScratch } from "./scratch.ts";

export interface LayeredTreeOptions {
  readonly files: LayeredFiles;
  /** A folder of the run alone, for what processes change until it is kept. Made where it is missing. */
  readonly folder: string;
  /** Whether the tools can spell a path. */
  accepts(path: string): boolean;
  /** A handle of a directory of the host. */
  openDirectory(path: string): Workspace;
  /** What runs behind a mount, as a trial. */
  readonly trial: Command;
  /** Instead of trying what the machine has. */
  readonly probe?: TreeProbe;
  readonly limits?: CopyLimits;
}

/** A merged tree for the processes of one run, by what the machine has. Close it with the run. */
export interface LayeredTree extends ProcessTree {
  readonly probe: TreeProbe;
  close(): void;
}

/** Removes what a crashed run left in `folder`, and tries what the machine has. */
export async function openLayeredTree(options: LayeredTreeOptions): Promise<LayeredTree> {
  const { files, folder, trial } = options;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  clearScratch(folder);
  // While it is open, no other directory can have its device and inode.
  const base = Folder.open(files.layers.base);
  try {
    const { dev, ino } = fstatSync(base.fd, { bigint: true });
    const probe = options.probe ?? (await probeTree({ folder, base: files.layers.base, inside: trial }));
    const common = { ...options, identity: `${dev}:${ino}` };
    const tree =
      probe.kind === "overlay-mount"
        ? mountTree({ ...common, way: probe.way })
        : copyTree({ ...common, limits: options.limits ?? COPY_LIMITS });
    return { ...tree, probe, close: () => base[Symbol.dispose]() };
  } catch (error) {
    base[Symbol.dispose]();
    throw error;
  }
}
