import { EXIT, type ExitCode } from "../../model/errors.ts";
import { type Change, type Committed, decideChanges, type RunChanges, readChanges } from "../../runtime/changes.ts";
import type { Call } from "../command.ts";
import { environment } from "../environment.ts";
import { interruptible } from "../interrupt.ts";
import { painter } from "../output.ts";
import { user } from "../person.ts";
import { jsonLine, visible } from "../visible.ts";
import { nothingText } from "./diff.ts";
import { plainChange, SHOWN_BYTES } from "./sides.ts";
import { plural } from "./stat.ts";
import { changeText, stateText } from "./state.ts";
import { threeWay } from "./threeway.ts";

interface Options {
  readonly only?: readonly string[];
  readonly overwrite?: true;
  readonly dryRun?: true;
  readonly workspace?: string;
}

/** The first Ctrl-C lets what is under way come to its end, which is told; a second one kills, and the next commit goes on. */
export async function commit(call: Call<Options>): Promise<ExitCode> {
  const { signal, release } = interruptible(call.out);
  try {
    const exit = await commitUnder(call, signal);
    return signal.aborted ? EXIT.interrupted : exit;
  } finally {
    release();
  }
}

async function commitUnder(call: Call<Options>, signal: AbortSignal): Promise<ExitCode> {
  const { args, options, json, out } = call;
  const asked = { run: args[0] ?? "", only: options.only, workspace: options.workspace };
  const overwrite = options.overwrite === true;
  const dryRun = options.dryRun === true;
  const told = (changes: RunChanges, committed: Committed): ExitCode => {
    const applied = committed.applied.toSorted((left, right) => (left.path < right.path ? -1 : 1));
    const result = { changes, applied, refused: committed.refused, dryRun };
    out.data(json ? jsonOf(result) : textOf(result));
    return committed.refused.length === 0 ? EXIT.ok : EXIT.blocked;
  };
  if (dryRun)
    return using(await readChanges(asked, environment()), (changes) => told(changes, foreseen(changes, overwrite)));
  return using(await decideChanges(asked, environment()), async (changes) => {
    if (signal.aborted) return EXIT.interrupted;
    return told(changes, await changes.commit({ overwrite, by: user() }));
  });
}

async function using<C extends RunChanges>(
  changes: C,
  work: (changes: C) => ExitCode | Promise<ExitCode>,
): Promise<ExitCode> {
  try {
    return await work(changes);
  } finally {
    changes.close();
  }
}

interface Result extends Committed {
  readonly changes: RunChanges;
  readonly dryRun: boolean;
}

/** What a commit would come to, as far as that can be told without trying. */
function foreseen({ changes, hindrance }: RunChanges, overwrite: boolean): Committed {
  const why = (change: Change): string | undefined =>
    change.conflict !== undefined && !overwrite ? "the workspace has changed it since" : hindrance(change);
  return {
    applied: changes.filter((change) => why(change) === undefined),
    refused: changes.flatMap((change) => {
      const reason = why(change);
      return reason === undefined ? [] : [{ change, reason }];
    }),
  };
}

function jsonOf({ changes, applied, refused, dryRun }: Result): string {
  return jsonLine({
    run: changes.run,
    workspace: changes.workspace,
    dryRun,
    applied: applied.map(plainChange),
    refused: refused.map(({ change, reason }) => ({ ...plainChange(change), reason })),
  });
}

function textOf({ changes, applied, refused, dryRun }: Result): string {
  if (applied.length + refused.length === 0) return nothingText(changes);
  const paint = painter(process.stdout);
  const done = dryRun ? "would be applied to" : "applied to";
  const lines = [
    visible(`${plural(applied.length, "change")} ${done} ${changes.workspace}`),
    ...applied.map(changeText),
  ];
  if (refused.length > 0) {
    const stay = dryRun ? "would be refused" : "refused; what is refused stays with the run";
    lines.push(paint(`${plural(refused.length, "change")} ${stay}`, "warn"));
    for (const { change, reason } of refused) {
      const why = visible(reason.replace(`\`${change.path}\`: `, ""));
      lines.push(paint(`${changeText(change)}: ${why}`, "warn"), ...viewOf(changes, change, paint));
    }
    if (refused.some(({ change }) => change.conflict !== undefined)) {
      lines.push(`to replace what the workspace has: pinion run commit ${changes.run} --overwrite --only <path>`);
    }
  }
  return lines.join("\n");
}

/** What each side has, and for texts how they part. */
function viewOf(changes: RunChanges, change: Change, paint: ReturnType<typeof painter>): readonly string[] {
  const { before, after, conflict } = change;
  const states = [
    ["before", before],
    ["run", after],
    ...(conflict === undefined ? [] : [["now", conflict] as const]),
  ] as const;
  const rows = states.map(([label, state]) => `  ${label.padEnd(6)} │ ${stateText(state)}`);
  if (conflict?.kind !== "file") return rows;
  const side = (name: "before" | "after" | "now") => changes.content(change, name, SHOWN_BYTES);
  const view = threeWay({ base: side("before"), run: side("after"), now: side("now") }, paint);
  return view === undefined ? rows : [...rows, view];
}
