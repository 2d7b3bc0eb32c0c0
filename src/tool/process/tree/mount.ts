import { chmodSync, mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { ToolError } from "../../../model/tool.ts";
import type { OpenTree, ProcessTree } from "../../ports.ts";
import { attempt, type Way } from "../namespaces.ts";
import { type Bytes, Folder, isWhiteout, joined } from "./folder.ts";
import { Gathering } from "./gather.ts";
import type { Harvest, LayeredFiles } from "./layered.ts";
import { comparing, type Layers, mounted } from "./mounting.ts";
import { makeScratch, removeTree, stampNow, usesMoreThan } from "./scratch.ts";
import { Whiteouts } from "./whiteouts.ts";

export interface MountOptions {
  readonly files: LayeredFiles;
  readonly way: Way;
  /** `device:inode` of the workspace. */
  readonly identity: string;
  /** A folder of the run for what processes change. */
  readonly folder: string;
  /** Whether the tools can spell a path. */
  accepts(path: string): boolean;
}

/** The merged tree as an overlay mount of the kernel, made for each process in a mount name space of its own. */
export function mountTree(options: MountOptions): ProcessTree {
  const whiteouts = new Whiteouts(options.folder);
  return {
    kind: "overlay-mount",
    async open() {
      const { base, upper } = options.files.layers;
      const scratch = makeScratch(options.folder);
      try {
        for (const name of ["upper", "work", "whiteouts"]) mkdirSync(join(scratch, name));
        chmodSync(join(scratch, "upper"), (statSync(base).mode & 0o777) | 0o700);
        await whiteouts.render(options.files.hidden(), join(scratch, "whiteouts"), base);
        const layers = { base, identity: options.identity, scratch, upper };
        return openTree(options, layers, stampNow(scratch));
      } catch (error) {
        removeTree(scratch);
        throw error;
      }
    },
  };
}

function openTree(options: MountOptions, layers: Layers, since: bigint): OpenTree {
  const { files, way } = options;
  const upper = join(layers.scratch, "upper");
  return {
    path: layers.base,
    workspace: layers.base,
    directory: undefined,
    wrap: (command) => mounted(way, layers, command),
    exceeded: () => usesMoreThan(upper, files.quota),
    async keep(permitted) {
      const { incoming, notes } = permitted(await harvest(options, layers));
      if (incoming.length > 0) await files.absorb(incoming, since);
      return { notes };
    },
    close: () => Promise.resolve(removeTree(layers.scratch)),
  };
}

type State = "new" | "merged" | "opaque";

async function harvest({ way, accepts }: MountOptions, layers: Layers): Promise<Harvest> {
  const upper = join(layers.scratch, "upper");
  const gathering = new Gathering(upper, join(layers.scratch, "copies"), accepts);
  using root = Folder.open(upper);
  const paths: Bytes[] = [];
  listFolders(root, "", paths, gathering);
  const states = await compare(way, layers, paths);
  collect(root, "", { state: "merged", states, gathering });
  return gathering.harvest;
}

function collect(
  folder: Folder,
  path: Bytes,
  { state, states, gathering }: { state: State; states: ReadonlyMap<Bytes, State>; gathering: Gathering },
): void {
  for (const name of folder.names()) {
    const inner = joined(path, name);
    const stats = folder.look(name);
    const known = states.get(inner);
    if (stats === undefined) continue;
    if (isWhiteout(stats)) {
      // Where nothing of before is seen, a whiteout hides nothing.
      if (state === "merged") gathering.gone(inner);
    } else if (!stats.isDirectory()) {
      gathering.leaf(inner, { folder, name, stats });
    } else if (known !== undefined) {
      // In a directory that is new as a whole, so is everything in it.
      const own = state === "merged" ? known : "new";
      if (own !== "merged") gathering.directory(inner, true);
      using child = folder.child(name);
      collect(child, inner, { state: own, states, gathering });
    }
  }
}

/** Makes directories such that they can be entered, and lists those that can be spelled. */
function listFolders(folder: Folder, path: Bytes, found: Bytes[], gathering: Gathering): void {
  for (const name of folder.names()) {
    const stats = folder.look(name);
    if (!stats?.isDirectory()) continue;
    const inner = joined(path, name);
    if (!gathering.names(inner)) continue;
    folder.permit(name, stats, 0o700n);
    found.push(inner);
    using child = folder.child(name);
    listFolders(child, inner, found, gathering);
  }
}

const STATES: Readonly<Record<string, State>> = { n: "new", m: "merged", o: "opaque" };

/** INVARIANT: paths that can be spelled hold no line ends, so a path is a line. */
async function compare(way: Way, layers: Layers, paths: readonly Bytes[]): Promise<ReadonlyMap<Bytes, State>> {
  if (paths.length === 0) return new Map();
  const input = Buffer.from(paths.map((path) => `${path}\n`).join(""), "latin1");
  const compared = await attempt(comparing(way, layers), { input });
  const answer = "output" in compared ? compared.output : "";
  if (answer.length !== paths.length || "failure" in compared) {
    const why = "failure" in compared ? compared.failure : "it ended early";
    throw new ToolError("not-kept", `what the process changed could not be told from what was there before: ${why}`);
  }
  return new Map(paths.map((path, index) => [path, STATES[answer.charAt(index)] ?? "new"]));
}
