import { type Lock, lock } from "../journal/lock.ts";
import { InputError } from "../model/errors.ts";
import { hindrance } from "../vfs/overlay/apply.ts";
import { openOverlay } from "../vfs/overlay/open.ts";
import type { Change, Committed, Overlay } from "../vfs/overlay/overlay.ts";
import { chosen, plainPaths } from "./changes/choose.ts";
import { History, type PastDecision, toDecided } from "./changes/history.ts";
import { type Located, locate } from "./changes/locate.ts";
import { orTrouble, trouble } from "./changes/trouble.ts";
import type { Environment } from "./machine.ts";

export type { Change, Committed, FileState } from "../vfs/overlay/overlay.ts";
export type { PastDecision } from "./changes/history.ts";

/** What a run did to its workspace, as far as nobody has decided about it yet. Close it. */
export interface RunChanges {
  readonly run: string;
  readonly workspace: string;
  /** Those that were asked for, sorted by path. */
  readonly changes: readonly Change[];
  /** Earlier decisions, the oldest first. */
  readonly history: readonly PastDecision[];
  /** Bytes of one side of a change: see `Overlay.content`. */
  content(change: Change, side: "before" | "after" | "now", limit: number): Uint8Array | undefined;
  /** Why no commit applies a change, whatever the workspace holds; `undefined` for most. */
  hindrance(change: Change): string | undefined;
  close(): void;
}

/** The same, with the run's lock held: nobody else decides, and the run does not go on. */
export interface DecidableChanges extends RunChanges {
  /** Applies the changes that were asked for; with `overwrite` also to files that the workspace has changed since. */
  commit(options: { readonly overwrite: boolean; readonly by: string }): Promise<Committed>;
  /** Forgets the changes that were asked for, for good. Returns them. */
  discard(options: { readonly by: string }): Promise<readonly Change[]>;
}

export interface ChangesOptions {
  readonly run: string;
  /** Where the workspace is, if not where it was when the run started. */
  readonly workspace?: string | undefined;
  /** Paths relative to the workspace: changes at and below them. All without. */
  readonly only?: readonly string[] | undefined;
}

/**
 * Reads what a run has changed, at any time: of a live run what there is so far. Throws `InputError` when there is no such run,
 * it has no layer, its workspace cannot be found, or it has changed nothing at a path of `only`; `IntegrityError` for a damaged
 * layer or history.
 */
export async function readChanges(options: ChangesOptions, env: Environment): Promise<RunChanges> {
  return (await opened(await locate(options, env), { only: options.only, readOnly: true }, env)).changes;
}

/** The same for deciding. Throws `InputError` also when the run is live, or somebody else is deciding. */
export async function decideChanges(options: ChangesOptions, env: Environment): Promise<DecidableChanges> {
  const located = await locate(options, env);
  const held = lockBoth(located);
  try {
    const { changes, decide } = await opened(located, { only: options.only, readOnly: false }, env);
    const close = (): void => {
      try {
        changes.close();
      } finally {
        held.release();
      }
    };
    return { ...changes, ...decide, close };
  } catch (error) {
    held.release();
    throw error;
  }
}

/** Deciding adds nothing to a layer, however full it is. */
const NO_QUOTA = { bytes: Number.MAX_SAFE_INTEGER, files: Number.MAX_SAFE_INTEGER };

type Decide = Pick<DecidableChanges, "commit" | "discard">;

async function opened(
  { run, layer, workspace }: Located,
  { only, readOnly }: { readonly only: readonly string[] | undefined; readonly readOnly: boolean },
  env: Environment,
): Promise<{ readonly changes: RunChanges; readonly decide: Decide }> {
  if (layer === undefined) return { changes: nothing(run, workspace, only), decide: NOTHING_TO_DECIDE };
  const history = new History(layer);
  history.read(); // a damaged one is told before the layer is touched
  const reading = `reading the changes of run \`${run}\``;
  const overlay = await orTrouble(reading, () =>
    openOverlay({ base: workspace, folder: layer, quota: NO_QUOTA, readOnly }),
  );
  try {
    const all = await orTrouble(reading, () => overlay.changes());
    if (!readOnly) await history.settle(all);
    const changes = chosen(all, only);
    return {
      changes: {
        run,
        workspace,
        changes,
        history: history.read(),
        content(change, side, limit) {
          try {
            return overlay.content(change, side, limit);
          } catch (error) {
            throw trouble(reading, error);
          }
        },
        hindrance,
        close: () => overlay.close(),
      },
      decide: deciding({ overlay, history, changes, workspace, only: plainPaths(only) }, env),
    };
  } catch (error) {
    overlay.close();
    throw error;
  }
}

interface Deciding {
  readonly overlay: Overlay;
  readonly history: History;
  readonly changes: readonly Change[];
  readonly workspace: string;
  readonly only: readonly string[] | undefined;
}

/** INVARIANT: a decision is on disk before anything of it happens, and its outcome behind it. */
function deciding({ overlay, history, changes, workspace, only }: Deciding, env: Environment): Decide {
  const decided = changes.map(toDecided);
  return {
    async commit({ overwrite, by }) {
      if (changes.length === 0) return { applied: [], refused: [] };
      await history.begin({ action: "commit", at: env.now(), by, overwrite, workspace, changes: decided });
      const options = { ...(only === undefined ? {} : { only }), overwrite };
      const committed = await orTrouble("the commit", () => overlay.commit(options));
      await history.end(committed);
      return committed;
    },
    async discard({ by }) {
      if (changes.length === 0) return [];
      await history.begin({ action: "discard", at: env.now(), by, overwrite: false, workspace, changes: decided });
      const applied = await orTrouble("discarding", () => overlay.discard(only));
      await history.end({ applied, refused: [] });
      return applied;
    },
  };
}

/** A run that never changed anything has no layer on disk, and nothing to decide about. */
function nothing(run: string, workspace: string, only: readonly string[] | undefined): RunChanges {
  return {
    run,
    workspace,
    changes: chosen([], only),
    history: [],
    content: () => undefined,
    hindrance,
    close: () => undefined,
  };
}

const NOTHING_TO_DECIDE: Decide = {
  commit: () => Promise.resolve({ applied: [], refused: [] }),
  discard: () => Promise.resolve([]),
};

/** The run, and its layer, which a child of the run may have while the run itself rests. */
function lockBoth({ run, folder, layer }: Located): Lock {
  const held: Lock[] = [];
  const release = (): void => {
    try {
      for (const one of held) one.release();
    } catch (error) {
      throw trouble(`letting go of run \`${run}\``, error);
    }
  };
  try {
    for (const place of layer === undefined ? [folder] : [folder, layer]) held.push(lock(place));
    return { release };
  } catch (error) {
    release();
    if (!(error instanceof InputError)) throw trouble(`locking run \`${run}\``, error);
    throw new InputError({
      code: "run-in-use",
      message: `nothing can be decided about run \`${run}\` while somebody works on it: ${error.message}`,
      hint: `pause the run first with \`pinion run pause ${run}\`; if another command is deciding, wait for it`,
      cause: error,
    });
  }
}
