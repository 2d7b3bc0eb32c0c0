import { EXIT, type ExitCode } from "../model/errors.ts";
import { listHooks } from "../runtime.ts";
import type { Call } from "./command.ts";
import { json } from "./summary.ts";
import { columns } from "./table.ts";

/** `hook list`: the shipped hooks, each with the digest that a blueprint pins. */
export async function list({ json: asJson, out }: Call<object>): Promise<ExitCode> {
  const rows = await listHooks();
  if (asJson) out.data(json(rows));
  else out.data(columns(rows.map((row) => [`${row.name}@${row.version}`, row.role, row.description])));
  return EXIT.ok;
}
