import { createInterface } from "node:readline/promises";
import { EXIT, type ExitCode, InputError, InterruptedError } from "../../model/errors.ts";
import { decideChanges } from "../../runtime/changes.ts";
import type { Call } from "../command.ts";
import { environment } from "../environment.ts";
import { user } from "../person.ts";
import { jsonLine, visible } from "../visible.ts";
import { nothingText } from "./diff.ts";
import { plainChange } from "./sides.ts";
import { plural } from "./stat.ts";
import { changeText } from "./state.ts";

interface Options {
  readonly only?: readonly string[];
  readonly yes?: true;
  readonly workspace?: string;
}

export async function discard({ args: [run = ""], options, json, out }: Call<Options>): Promise<ExitCode> {
  const { only, workspace, yes } = options;
  if (yes !== true && !(process.stdin.isTTY && process.stderr.isTTY)) throw nobodyToAsk();
  const changes = await decideChanges({ run, only, workspace }, environment());
  try {
    const count = changes.changes.length;
    if (count > 0 && yes !== true) {
      out.talk(visible(changes.changes.map(changeText).join("\n")));
      if (!(await agrees(`forget ${plural(count, "change")} of run ${run} for good? [y/N] `))) {
        out.talk("nothing was forgotten");
        return EXIT.ok;
      }
    }
    const discarded = await changes.discard({ by: user() });
    if (json) out.data(jsonLine({ run, workspace: changes.workspace, discarded: discarded.map(plainChange) }));
    else if (count === 0) out.talk(nothingText(changes));
    else out.data([`${plural(discarded.length, "change")} forgotten`, ...discarded.map(changeText)].join("\n"));
    return EXIT.ok;
  } finally {
    changes.close();
  }
}

function nobodyToAsk(): InputError {
  return new InputError({
    code: "not-confirmed",
    message: "what is discarded cannot be brought back, and there is no terminal to ask at",
    hint: "look at it with `pinion run diff`, then add `--yes`; `pinion run export` keeps a copy",
  });
}

/** `y` or `yes`; everything else, also the end of the input, is a no. Throws `InterruptedError` for Ctrl-C. */
async function agrees(question: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const ended = new AbortController();
  let interrupted = false;
  terminal.once("close", () => ended.abort());
  terminal.once("SIGINT", () => {
    interrupted = true;
    terminal.close();
  });
  try {
    return /^y(es)?$/i.test((await terminal.question(question, { signal: ended.signal })).trim());
  } catch (error) {
    if (interrupted)
      throw new InterruptedError({ code: "interrupted", message: "nothing was forgotten", cause: error });
    if (ended.signal.aborted) return false;
    throw error;
  } finally {
    terminal.close();
  }
}
