import type { Entry } from "../../model/entry.ts";
import { EXIT, type ExitCode, InputError } from "../../model/errors.ts";
import { followRun } from "../../runtime.ts";
import type { Call } from "../command.ts";
import { environment } from "../environment.ts";
import { painter } from "../output.ts";
import { plainLine } from "../plain.ts";
import { timelineOf } from "../timeline.ts";
import { jsonLine } from "../visible.ts";

interface Options {
  readonly follow?: true;
  readonly wait?: true;
  readonly all?: true;
}

/** The timeline goes to stdout: it is what was asked for. Ctrl-C ends the watching, never the run. */
export async function logs({ args: [run = ""], options, json, out }: Call<Options>): Promise<ExitCode> {
  const paint = painter(process.stdout);
  const { follow = false, wait = false, all = false } = options;
  if (wait && !follow) {
    throw new InputError({ code: "usage", message: "`--wait` says how long to follow", hint: "add `-f`" });
  }
  const stopped = new AbortController();
  const stop = () => stopped.abort();
  process.once("SIGINT", stop);
  const show = (entry: Entry): void => {
    if (json) out.data(jsonLine(entry));
    else for (const line of timelineOf(entry)) if (all || !line.minor) out.data(plainLine(line, paint));
  };
  try {
    const { end } = await followRun(run, { follow, wait, signal: stopped.signal, onEntry: show }, environment());
    if (end === "resting" && !json) out.talk(`the run rests; go on with: pinion run resume ${run}`);
    if (end === "removed") out.talk("the run was removed");
    return end === "interrupted" ? EXIT.interrupted : EXIT.ok;
  } finally {
    process.off("SIGINT", stop);
  }
}
