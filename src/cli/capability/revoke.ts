import { EXIT, type ExitCode } from "../../model/errors.ts";
import { revokeLease } from "../../runtime.ts";
import type { Call } from "../command.ts";
import { environment } from "../environment.ts";
import { asking, type Waiting } from "../run/control.ts";
import { jsonLine, visible } from "../visible.ts";

export async function revoke(call: Call<Waiting & { readonly reason: string }>): Promise<ExitCode> {
  const { args, options, json, out } = call;
  const [run = "", lease = ""] = args;
  const { reason } = options;
  const obeyed = await revokeLease({ ...asking(run, options), lease, reason }, environment());
  const { state, done, process } = obeyed;
  const said = done
    ? `${lease} of run ${run} is revoked, and what came from it`
    : `run ${run} was asked: it obeys at its next boundary`;
  out.data(json ? jsonLine({ run, lease, reason, state, done, process }) : visible(said));
  return EXIT.ok;
}
