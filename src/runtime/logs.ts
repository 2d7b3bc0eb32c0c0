import { existsSync } from "node:fs";
import { Follower, watchFolder } from "../journal/follow.ts";
import { holderOf } from "../journal/lock.ts";
import { journalFile } from "../journal/store.ts";
import type { Entry } from "../model/entry.ts";
import { InputError } from "../model/errors.ts";
import { mustBeRun } from "./begun.ts";
import { type Environment, runFolder } from "./machine.ts";

export interface LogOptions {
  /** Goes on as long as a process works on the run. */
  readonly follow: boolean;
  /** Goes on until the run has ended, also while nobody works on it. */
  readonly wait: boolean;
  readonly signal: AbortSignal;
  /** Called with every entry once it is on disk, in order. */
  onEntry(entry: Entry): void;
}

/** How it ended. `resting`: the run has not ended, and nobody works on it. */
export interface Log {
  readonly run: string;
  readonly entries: number;
  readonly end: "ended" | "resting" | "live" | "removed" | "interrupted";
}

/** How often a process is looked for that may have died without a trace, in ms. */
const LOOK_MS = 1000;

/**
 * Reads the journal of a run from its first entry, and on for as long as one wants. Throws `InputError` when there is no such run,
 * `DamagedError` where its journal is damaged.
 */
export async function followRun(run: string, options: LogOptions, env: Environment): Promise<Log> {
  const folder = runFolder(env, mustBeRun(run));
  const watch = watchFolder(folder);
  try {
    const journal = openJournal(run, folder);
    try {
      return await follow(run, { journal, folder, watch }, options);
    } finally {
      journal.close();
    }
  } finally {
    watch.close();
  }
}

interface Followed {
  readonly journal: Follower;
  readonly folder: string;
  readonly watch: ReturnType<typeof watchFolder>;
}

async function follow(run: string, { journal, folder, watch }: Followed, options: LogOptions): Promise<Log> {
  const { signal } = options;
  let entries = 0;
  for (;;) {
    // Looked at first: whoever lets go has written everything by then.
    const held = holderOf(folder) !== undefined;
    for await (const { entry } of journal.entries()) {
      options.onEntry(entry);
      entries += 1;
      if (signal.aborted) break;
    }
    const log = (end: Log["end"]): Log => ({ run, entries, end });
    if (signal.aborted) return log("interrupted");
    if (journal.ended) return log("ended");
    if (!existsSync(journalFile(folder))) return log("removed");
    if (!options.follow) return log(held ? "live" : "resting");
    if (!held && !options.wait) return log("resting");
    await watch.changed(LOOK_MS, signal);
  }
}

function openJournal(run: string, folder: string): Follower {
  if (existsSync(journalFile(folder))) return new Follower(folder);
  throw new InputError({
    code: "no-such-run",
    message: `there is no run \`${run}\` in \`${folder}\``,
    hint: "`pinion run list` names them",
  });
}
