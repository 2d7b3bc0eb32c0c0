import { EXIT, type ExitCode, InputError } from "../../model/errors.ts";
import { listProposals, type ProposalRow } from "../../runtime/proposals/view.ts";
import type { Call } from "../command.ts";
import { environment } from "../environment.ts";
import { columns } from "../table.ts";
import { jsonLine } from "../visible.ts";
import { proposerText } from "./text.ts";

const STATES: readonly string[] = ["pending", "approved", "rejected", "changed"] satisfies ProposalRow["state"][];

/** `hook proposals list`. */
export async function list({ options, json, out }: Call<{ readonly state?: string }>): Promise<ExitCode> {
  const { state } = options;
  if (state !== undefined && !STATES.includes(state)) {
    throw new InputError({ code: "bad-state", message: `\`${state}\` is no state: expected ${STATES.join(", ")}` });
  }
  const rows = (await listProposals(environment())).filter((row) => state === undefined || row.state === state);
  if (json) out.data(jsonLine(rows));
  else if (rows.length === 0) out.talk("there are no proposals");
  else out.data(columns(rows.map(cells)));
  return EXIT.ok;
}

function cells(row: ProposalRow): readonly string[] {
  if (row.state === "changed") return [row.proposal, row.state, "", "", "", row.why];
  const { proposal, state, name, version, by, reason, at } = row;
  return [proposal, state, `${name}@${version}`, at.slice(0, 19), proposerText(by), reason];
}
