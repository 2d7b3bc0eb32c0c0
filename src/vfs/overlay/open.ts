import { constants, existsSync, fsyncSync, mkdirSync, openSync, realpathSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import { InputError, WorldError } from "../../model/errors.ts";
import type { FileAction } from "../../model/hook.ts";
import type { Directory, DirectoryLimits } from "../directory.ts";
import { byCodeUnit, formatPath } from "../path.ts";
import { Descriptor, look } from "../walk.ts";
import { absorb } from "./absorb.ts";
import { changesOf } from "./changes.ts";
import { commit } from "./commit.ts";
import { contentOf } from "./content.ts";
import { discard } from "./discard.ts";
import { OverlayDirectory } from "./handle.ts";
import { Kept } from "./kept.ts";
import { Layer, type Places } from "./layer.ts";
import { endCommit } from "./litter.ts";
import { applyLine, Log, linesOf, readLog } from "./log.ts";
import type { Change, Committed, Incoming, Overlay, Quota } from "./overlay.ts";
import { emptyStaging, finish, PLAN, readPlan } from "./plan.ts";
import { scanAll } from "./scan.ts";
import { openFolder } from "./state.ts";
import { tidy } from "./tidy.ts";
import { type Spot, Tree } from "./tree.ts";

const LOG = "layer.jsonl";
/** How many lines of a log may say what is not so any more. */
const SPARE_LINES = 1000;
const LIMITS: DirectoryLimits = { bytes: 16 * 1024 * 1024, entries: 10_000 };

export interface OverlayOptions {
  /** The workspace: the absolute path of a directory. */
  readonly base: string;
  /** The folder of the layer, made when it is not there: an absolute path on a disk, outside of the workspace. */
  readonly folder: string;
  readonly quota: Quota;
  readonly limits?: Partial<DirectoryLimits>;
  /** Only looks: nothing is changed, finished or tidied up, so that another process may have the layer open. */
  readonly readOnly?: boolean;
}

/**
 * Opens the layer of a run, as the last one who had it open left it; what a crash interrupted is finished. One process at a
 * time may have it open for writing, which is the caller's to see to. Throws `InputError` when the folders do not fit, and
 * `IntegrityError` when the layer is damaged.
 */
export async function openOverlay(options: OverlayOptions): Promise<Overlay> {
  const { base, folder, readOnly = false } = options;
  if (readOnly) requireWhole(folder);
  const places = openPlaces(base, folder);
  const tree = new Tree();
  for (const { path, held } of scanAll(places.upper)) tree.hold(path, held);
  const log = openLog(places, tree, readOnly);
  const kept = new Kept(openFolder(join(folder, "kept")));
  const layer = new Layer({ places, tree, log, kept, quota: options.quota });
  if (!readOnly) await recover(layer);
  return new LayerOverlay(layer, {
    limits: { ...LIMITS, ...options.limits },
    layers: { base: realpathSync(base), upper: realpathSync(join(folder, "upper")) },
  });
}

class LayerOverlay implements Overlay {
  readonly quota: Quota;
  readonly layers: Overlay["layers"];
  readonly #layer: Layer;
  readonly #limits: DirectoryLimits;

  constructor(layer: Layer, options: { readonly limits: DirectoryLimits; readonly layers: Overlay["layers"] }) {
    this.#layer = layer;
    this.#limits = options.limits;
    this.layers = options.layers;
    this.quota = layer.quota;
  }

  get used(): Quota {
    const { bytes, files } = this.#layer.tree;
    return { bytes, files };
  }

  open(actions: readonly FileAction[]): Directory {
    return new OverlayDirectory(this.#layer, { segments: [], actions: new Set(actions), limits: this.#limits });
  }

  changes(): readonly Change[] {
    return changesOf(this.#layer);
  }

  content(change: Change, side: "before" | "after" | "now", limit: number): Uint8Array | undefined {
    return contentOf(this.#layer, { change, side, limit });
  }

  absorb(incoming: readonly Incoming[], since: bigint): Promise<void> {
    return this.#layer.exclusive(".", () => absorb(this.#layer, incoming, since));
  }

  commit(options: { readonly only?: readonly string[]; readonly overwrite?: boolean }): Promise<Committed> {
    return this.#layer.exclusive(".", () => commit(this.#layer, options));
  }

  discard(only?: readonly string[]): Promise<readonly Change[]> {
    return this.#layer.exclusive(".", () => discard(this.#layer, only));
  }

  hidden(): readonly string[] {
    return hiddenIn(this.#layer.tree);
  }

  close(): void {
    this.#layer.close();
  }
}

/** Reads the log into the index. One that says much more than is still so is written anew. */
function openLog({ folder }: Places, tree: Tree, readOnly: boolean): Log | undefined {
  const file = folder.at(LOG);
  const { lines, size } = look(folder, LOG) === undefined ? { lines: [], size: 0 } : readLog(file);
  for (const line of lines) applyLine(tree, line);
  if (readOnly) return undefined;
  const needed = linesOf(tree);
  if (lines.length < SPARE_LINES + 2 * needed.length) {
    const log = Log.open(file, size);
    if (size === 0) fsyncSync(folder.fd);
    return log;
  }
  Log.write(folder.at(`${LOG}.partial`), needed);
  renameSync(folder.at(`${LOG}.partial`), file);
  fsyncSync(folder.fd);
  return Log.open(file, statSync(file).size);
}

async function recover(layer: Layer): Promise<void> {
  const plan = readPlan(layer.places);
  if (plan === undefined) await emptyStaging(layer.places);
  else await finish(layer, plan);
  await endCommit(layer.places);
  await tidy(layer);
}

/** A look at a layer neither makes one nor finishes what was begun. */
function requireWhole(folder: string): void {
  if (!existsSync(join(folder, "kept"))) {
    throw new InputError({ code: "no-layer", message: `\`${folder}\` holds no layer of a run` });
  }
  if (!existsSync(join(folder, PLAN))) return;
  throw new WorldError({
    code: "layer-busy",
    message: `the layer in \`${folder}\` is in the middle of a change`,
    hint: "try again; when no process has the run open, open it for writing, which finishes the change",
  });
}

function openPlaces(base: string, folder: string): Places {
  const workspace = openBase(base);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  requireApart(realpathSync(base), realpathSync(folder));
  for (const name of ["upper", "staging", "kept"]) mkdirSync(join(folder, name), { recursive: true });
  const opened = openFolder(folder);
  fsyncSync(opened.fd);
  return {
    base: workspace,
    folder: opened,
    upper: openFolder(join(folder, "upper")),
    staging: openFolder(join(folder, "staging")),
  };
}

function openBase(path: string): Descriptor {
  try {
    return new Descriptor(openSync(path, constants.O_RDONLY | constants.O_DIRECTORY));
  } catch (error) {
    const found = error instanceof Error && "code" in error ? String(error.code) : String(error);
    throw new InputError({
      code: "no-directory",
      message: `\`${path}\` is not a directory that can be opened: ${found}`,
    });
  }
}

/** A layer inside of its workspace would be in itself; the folder of the run is nothing that an agent should find. */
function requireApart(base: string, folder: string): void {
  if (!`${folder}/`.startsWith(`${base}/`.replace("//", "/")) && !`${base}/`.startsWith(`${folder}/`)) return;
  throw new InputError({
    code: "layer-in-workspace",
    message: `the folder of the run, \`${folder}\`, and the workspace \`${base}\` are in one another`,
    hint: "keep the state directory outside of the workspace, or run with `execution.filesystem.mode: direct`",
  });
}

/** The topmost paths of which the workspace shows nothing. */
function hiddenIn(tree: Tree): readonly string[] {
  const paths: string[] = [];
  const visit = (spot: Spot, path: readonly string[]): void => {
    if (spot.hidden) paths.push(formatPath(path));
    else for (const [name, child] of spot.children) visit(child, [...path, name]);
  };
  visit(tree.root, []);
  return paths.sort(byCodeUnit);
}
