import { EXIT, type ExitCode } from "../model/errors.ts";
import type { Call } from "./command.ts";
import { environment } from "./environment.ts";
import { runtime } from "./load.ts";
import { json } from "./summary.ts";
import { columns } from "./table.ts";
import { visible } from "./visible.ts";

/** `blueprint validate`: every fault at once, or the digest that the blueprint has. */
export async function validate({ args: [file = ""], json: asJson, out }: Call<object>): Promise<ExitCode> {
  const found = await (await runtime()).validateBlueprint(file, environment());
  const exit = found.ok ? EXIT.ok : EXIT.usage;
  if (asJson) out.data(json(found));
  else if (found.ok) out.data(`${visible(`${found.name}@${found.version}`)} is valid\n${found.digest}`);
  else {
    for (const { file: where, line, column, message } of found.faults) {
      out.data(visible(`${where}:${line}:${column} ${message}`));
    }
    out.talk(`error: ${found.faults.length === 1 ? "one fault" : `${found.faults.length} faults`}`);
  }
  return exit;
}

/** `blueprint list`: an array of { name, version, description, digest, file }. */
export async function list({ args, json: asJson, out }: Call<object>): Promise<ExitCode> {
  const rows = await (await runtime()).listBlueprints(args, environment());
  if (asJson) out.data(json(rows));
  else if (rows.length === 0) out.talk("no blueprints here");
  else out.data(columns(rows.map((row) => [`${row.name}@${row.version}`, row.description, row.file])));
  return EXIT.ok;
}

/** `blueprint show`: { name, version, description, digest, file, model, tools, chain, limits, pins }. */
export async function show({ args: [name = ""], json: asJson, out }: Call<object>): Promise<ExitCode> {
  const view = await (await runtime()).showBlueprint(name, environment());
  if (asJson) {
    out.data(json(view));
    return EXIT.ok;
  }
  const chain = Object.entries(view.chain).map(([phase, hooks]) => [`  ${phase}`, hooks.join(", ") || "none"]);
  const limits = Object.entries(view.limits).map(([limit, value]) => [`  ${limit}`, String(value)]);
  const pins = view.pins.map((pin) => [`  ${pin.kind}`, `${pin.name}@${pin.version}`, pin.digest]);
  out.data(
    [
      visible(`${view.name}@${view.version}: ${view.description}`),
      columns([
        ["digest", view.digest],
        ["file", view.file],
        ["model", view.model],
        ["tools", view.tools.join(", ") || "none"],
      ]),
      "hooks",
      columns(chain),
      "limits",
      columns(limits),
      "pins",
      columns(pins),
    ].join("\n"),
  );
  return EXIT.ok;
}
