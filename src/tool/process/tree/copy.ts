import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import type { OpenTree, ProcessTree, Workspace } from "../../ports.ts";
import { Copying, type CopyOptions, markOf, type Snapshot } from "./copying.ts";
import { type Bytes, Folder, joined } from "./folder.ts";
import { Gathering } from "./gather.ts";
import { makeScratch, removeTree, stampNow, usesMoreThan } from "./scratch.ts";

export interface CopyTreeOptions extends CopyOptions {
  /** Whether the tools can spell a path. */
  accepts(path: string): boolean;
  /** A handle of a directory of the host. */
  openDirectory(path: string): Workspace;
}

/** The merged tree as a copy for each process, which is compared afterwards with what it was. */
export function copyTree(options: CopyTreeOptions): ProcessTree {
  return {
    kind: "overlay-copy",
    async open(signal) {
      const scratch = makeScratch(options.folder);
      try {
        const tree = join(scratch, "tree");
        mkdirSync(tree);
        const before = await new Copying(options, signal).into(tree);
        const since = await later(scratch, before.newest);
        return openCopy(options, { scratch, tree, before, since });
      } catch (error) {
        removeTree(scratch);
        throw error;
      }
    },
  };
}

/** Times are as coarse as some ms: a change in the same tick as the copy would not show. */
async function later(scratch: string, time: bigint): Promise<bigint> {
  for (;;) {
    const now = stampNow(scratch);
    if (now > time) return now;
    await setTimeout(1);
  }
}

interface Copy {
  readonly scratch: string;
  readonly tree: string;
  readonly before: Snapshot;
  readonly since: bigint;
}

function openCopy(options: CopyTreeOptions, { scratch, tree, before, since }: Copy): OpenTree {
  const { files, accepts } = options;
  const directory = options.openDirectory(tree);
  const allowed = { bytes: before.bytes + files.quota.bytes, files: before.count + files.quota.files };
  return {
    path: tree,
    workspace: files.layers.base,
    directory,
    wrap: (command) => command,
    exceeded: () => usesMoreThan(tree, allowed),
    async keep(permitted) {
      const gathering = new Gathering(tree, join(scratch, "copies"), accepts);
      using root = Folder.open(tree);
      gather(root, "", { folders: before.folders, gathering });
      const { incoming, notes } = permitted(gathering.harvest);
      if (incoming.length > 0) await files.absorb(incoming, since);
      return { notes };
    },
    close() {
      directory.close();
      removeTree(scratch);
      return Promise.resolve();
    },
  };
}

/** Gathers what differs from before, in one folder and below. */
function gather(
  folder: Folder,
  path: Bytes,
  { folders, gathering }: { readonly folders: Snapshot["folders"]; readonly gathering: Gathering },
): void {
  const names = folder.names();
  const there = new Set(names);
  const before = folders.get(path);
  for (const known of before?.keys() ?? []) if (!there.has(known)) gathering.gone(joined(path, known));
  for (const name of names) {
    const inner = joined(path, name);
    const stats = folder.look(name);
    if (stats === undefined) continue;
    const changed = before?.get(name) !== markOf(stats);
    if (!stats.isDirectory()) {
      if (changed) gathering.leaf(inner, { folder, name, stats });
    } else if (changed ? gathering.directory(inner, true) : gathering.names(inner)) {
      folder.permit(name, stats, 0o700n);
      using child = folder.child(name);
      gather(child, inner, { folders: changed ? new Map() : folders, gathering });
    }
  }
}
