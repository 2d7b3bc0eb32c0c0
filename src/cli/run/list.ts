import { EXIT, type ExitCode, InputError, PinionError } from "../../model/errors.ts";
import { listRuns, SEEN_STATES, type SeenState, sweepRemoved } from "../../runtime.ts";
import type { Call } from "../command.ts";
import { environment } from "../environment.ts";
import { columns } from "../table.ts";
import { jsonLine, visible } from "../visible.ts";

interface Options {
  readonly state?: readonly string[];
  readonly agent?: string;
}

export async function list({ options, json, out }: Call<Options>): Promise<ExitCode> {
  const env = environment();
  const filter = { states: options.state?.map(toState), agent: options.agent };
  await sweepRemoved(env).catch((error: unknown) => {
    if (!(error instanceof PinionError)) throw error;
    out.talk(`a removed run is still there in part: ${visible(error.message)}`);
  });
  const rows = await listRuns(env, filter);
  if (json) out.data(jsonLine(rows));
  else if (rows.length === 0) out.talk(options.state || options.agent ? "no such runs" : "no runs yet");
  else {
    const when = (at: number | null) => (at === null ? "" : new Date(at).toISOString().slice(0, 19));
    out.data(
      columns(
        rows.map((row) => [row.run, row.state, row.agent, when(row.startedAt), `${row.steps} steps`, row.reason]),
      ),
    );
  }
  return EXIT.ok;
}

function toState(text: string): SeenState {
  const state = SEEN_STATES.find((known) => known === text);
  if (state !== undefined) return state;
  throw new InputError({
    code: "usage",
    message: `there is no state \`${text}\``,
    hint: `expected one of ${SEEN_STATES.join(", ")}`,
  });
}
