import { EXIT, type ExitCode } from "../../model/errors.ts";
import { rejectProposal } from "../../runtime/proposals/decide.ts";
import type { Call } from "../command.ts";
import { environment } from "../environment.ts";
import { user } from "../person.ts";
import { jsonLine } from "../visible.ts";

/** `hook proposals reject`. */
export async function reject(call: Call<{ readonly reason: string }>): Promise<ExitCode> {
  const { args, options, json, out } = call;
  const rejected = await rejectProposal({ id: args[0] ?? "", reason: options.reason, by: user() }, environment());
  if (json) out.data(jsonLine(rejected));
  else out.talk(`proposal ${rejected.proposal} is rejected`);
  return EXIT.ok;
}
