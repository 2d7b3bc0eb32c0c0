import { EXIT, type ExitCode } from "../model/errors.ts";
import { listHooks } from "../runtime.ts";
import type { Call } from "./command.ts";
import { environment } from "./environment.ts";
import { columns } from "./table.ts";
import { jsonLine } from "./visible.ts";

/** `hook list`: the shipped hooks, each with the digest that a blueprint pins. */
export async function list({ json, out }: Call<object>): Promise<ExitCode> {
  const rows = await listHooks(environment());
  if (json) out.data(jsonLine(rows));
  else out.data(columns(rows.map((row) => [`${row.name}@${row.version}`, row.role, row.tier, row.description])));
  return EXIT.ok;
}
