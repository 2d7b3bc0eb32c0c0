import { EXIT, type ExitCode } from "../../model/errors.ts";
import { type RunChanges, readChanges } from "../../runtime/changes.ts";
import type { Call } from "../command.ts";
import { environment } from "../environment.ts";
import { type Output, painter } from "../output.ts";
import { jsonLine, visible } from "../visible.ts";
import { diffView } from "./show.ts";
import { contentOf, plainChange, SHOWN_BYTES } from "./sides.ts";
import { countsOf, statText } from "./stat.ts";

interface Options {
  readonly stat?: true;
  readonly color: boolean;
  readonly workspace?: string;
}

/** Columns where there is no terminal to ask. */
const WIDTH = 80;

export async function diff({ args: [run = "", ...only], options, json, out }: Call<Options>): Promise<ExitCode> {
  const changes = await readChanges({ run, only, workspace: options.workspace }, environment());
  try {
    if (json) out.data(jsonOf(changes));
    else if (changes.changes.length === 0) out.talk(nothingText(changes));
    else show(changes, { options, out });
    return EXIT.ok;
  } finally {
    changes.close();
  }
}

function show(changes: RunChanges, { options, out }: { readonly options: Options; readonly out: Output }): void {
  const paint = painter(options.color ? process.stdout : {});
  if (options.stat === true) {
    const counts = changes.changes.map((change) => countsOf(change, contentOf(changes, change, SHOWN_BYTES)));
    out.data(statText(counts, process.stdout.columns ?? WIDTH, paint));
    return;
  }
  const view = diffView(paint);
  for (const change of changes.changes) out.data(view(change, contentOf(changes, change, SHOWN_BYTES)));
}

function jsonOf(changes: RunChanges): string {
  const { run, workspace, history } = changes;
  const rows = changes.changes.map((change) => {
    const { added, removed, binary } = countsOf(change, contentOf(changes, change, SHOWN_BYTES));
    return { ...plainChange(change), added, removed, binary };
  });
  return jsonLine({ run, workspace, changes: rows, history });
}

/** That there is nothing, and what was decided last. */
export function nothingText({ run, history }: Pick<RunChanges, "run" | "history">): string {
  const last = history.at(-1);
  if (last === undefined) return visible(`run ${run} has changed nothing`);
  const what = last.action === "commit" ? "committed" : "discarded";
  const when = new Date(last.at).toISOString().slice(0, 19);
  return visible(`run ${run} has no changes left; the last were ${what} by ${last.by} at ${when}`);
}
