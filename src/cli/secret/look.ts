import { EXIT, type ExitCode } from "../../model/errors.ts";
import { checkSecrets, type NeededSecret } from "../../runtime/secrets/check.ts";
import { listSecrets } from "../../runtime/secrets/manage.ts";
import type { Call } from "../command.ts";
import { environment } from "../environment.ts";
import { columns } from "../table.ts";
import { jsonLine, visible } from "../visible.ts";

/** `pinion secret list` */
export function list({ json, out }: Call<object>): ExitCode {
  const found = listSecrets(environment());
  if (json) out.data(jsonLine(found));
  else if (found.secrets.length === 0) out.talk(visible(`there are no secrets in ${found.file} or the environment`));
  else out.data(columns(found.secrets.map(({ name, from }) => [name, from])));
  return EXIT.ok;
}

/** `pinion secret check` */
export async function check({ args: [file = ""], json, out }: Call<object>): Promise<ExitCode> {
  const checked = await checkSecrets(file, environment());
  if (json) out.data(jsonLine(checked));
  else if (checked.secrets.length === 0) out.data("it needs no secrets");
  else out.data(checked.secrets.map(needText).join("\n"));
  return checked.ok ? EXIT.ok : EXIT.usage;
}

function needText({ name, optional, from, uses }: NeededSecret): string {
  const mark = from !== null ? "✓" : optional ? "!" : "✗";
  const where = from === null ? (optional ? "not there, optional" : "not there") : `from the ${from}`;
  const lines = uses.map(({ agent, tool, as, to, for: places, allowed, rule }) => {
    const goes = `  ${agent}: ${tool}, ${as === to ? as : `${as} ${to}`}, for ${places.join(", ")}`;
    return allowed ? goes : `${goes}: denied (${rule})`;
  });
  const nowhere = lines.length === 0 ? ["  goes nowhere: no tool registry puts it anywhere"] : [];
  return [`${mark} ${name}  ${where}`, ...lines, ...nowhere].map(visible).join("\n");
}
