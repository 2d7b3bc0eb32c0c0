import { EXIT, type ExitCode } from "../../model/errors.ts";
import { proposeHook } from "../../runtime/proposals/propose.ts";
import type { Call } from "../command.ts";
import { environment } from "../environment.ts";
import { user } from "../person.ts";
import { jsonLine, visible } from "../visible.ts";

/** `hook propose`: the id of the proposal. */
export async function propose(call: Call<{ readonly reason: string }>): Promise<ExitCode> {
  const { args, options, json, out } = call;
  const { reason } = options;
  const proposed = await proposeHook({ given: args[0] ?? ".", reason, user: user() }, environment());
  if (json) out.data(jsonLine(proposed));
  else {
    out.data(proposed.proposal);
    const { name, version, isNew, proposal } = proposed;
    out.talk(visible(isNew ? `${name}@${version} is proposed` : `${name}@${version} was proposed before`));
    out.talk(
      `  see it in shadow with \`blueprint run … --shadow ${proposal}\`, then \`hook proposals show ${proposal}\``,
    );
  }
  return EXIT.ok;
}
