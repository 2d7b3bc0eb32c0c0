import { EXIT, type ExitCode } from "../../model/errors.ts";
import { removeRuns } from "../../runtime.ts";
import type { Call } from "../command.ts";
import { environment } from "../environment.ts";
import { jsonLine } from "../visible.ts";

export async function remove({ args, options, json, out }: Call<{ readonly force?: true }>): Promise<ExitCode> {
  const { removed } = await removeRuns(args, { force: options.force === true }, environment());
  if (json) out.data(jsonLine({ removed }));
  else for (const run of removed) out.data(`removed ${run}`);
  return EXIT.ok;
}
