import { EXIT, type ExitCode } from "../model/errors.ts";
import { listBlueprints, showBlueprint, type Validation, validateBlueprint } from "../runtime.ts";
import type { Call } from "./command.ts";
import { environment } from "./environment.ts";
import { columns } from "./table.ts";
import { jsonLine, visible } from "./visible.ts";

type Fault = Extract<Validation, { ok: false }>["faults"][number];

/** `blueprint validate`: every fault at once, or the digest that the blueprint has. */
export async function validate({ args: [file = ""], json, out }: Call<object>): Promise<ExitCode> {
  const found = await validateBlueprint(file, environment());
  if (json) {
    const { exit: _, ...answer } = found;
    out.data(jsonLine(answer));
  } else if (found.ok) {
    for (const warning of found.warnings) out.talk(`warning: ${place(warning)}`);
    out.data(`${visible(`${found.name}@${found.version}`)} is valid\n${found.digest}`);
  } else {
    for (const fault of found.faults) out.data(place(fault));
    out.talk(`error: ${found.faults.length === 1 ? "one fault" : `${found.faults.length} faults`}`);
  }
  return found.exit;
}

function place({ file, line, column, message }: Fault): string {
  return visible(`${file}:${line}:${column} ${message}`);
}

/** `blueprint list`: what is valid on stdout, what is not on stderr; with `--json` both. */
export async function list({ args, json, out }: Call<object>): Promise<ExitCode> {
  const rows = await listBlueprints(args, environment());
  if (json) {
    out.data(jsonLine(rows));
    return EXIT.ok;
  }
  const valid = rows.filter((row) => row.kind === "blueprint");
  if (valid.length === 0) out.talk("no blueprints here");
  else out.data(columns(valid.map((row) => [`${row.name}@${row.version}`, row.file, row.description])));
  for (const row of rows) if (row.kind === "broken") out.talk(visible(`not valid: ${row.file}:${row.fault}`));
  return EXIT.ok;
}

/** `blueprint show`: { name, version, description, digest, file, model, tools, execution, chain, shadow, limits, pins }. */
export async function show({ args: [name = ""], json, out }: Call<object>): Promise<ExitCode> {
  const view = await showBlueprint(name, environment());
  if (json) {
    out.data(jsonLine(view));
    return EXIT.ok;
  }
  const chain = Object.entries(view.chain).map(([phase, hooks]) => [`  ${phase}`, hooks.join(", ") || "none"]);
  const shadow = Object.entries(view.shadow).filter(([, hooks]) => hooks.length > 0);
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
      "execution",
      columns(executionRows(view)),
      "hooks",
      columns(chain),
      ...(shadow.length === 0
        ? []
        : ["in shadow", columns(shadow.map(([phase, hooks]) => [`  ${phase}`, hooks.join(", ")]))]),
      "limits",
      columns(limits),
      "pins",
      columns(pins),
    ].join("\n"),
  );
  return EXIT.ok;
}

function executionRows({ execution }: Awaited<ReturnType<typeof showBlueprint>>): readonly (readonly string[])[] {
  const { backend, filesystem, process, network } = execution;
  const quota = Object.entries(filesystem.quota ?? {}).map(([name, value]) => `${value} ${name}`);
  const atMost = quota.length === 0 ? "" : `, at most ${quota.join(", ")}`;
  const of = (values: readonly string[]): string => values.join(", ") || "none";
  return [
    ["  files", `${filesystem.mode}${atMost}`],
    ["  read", of(filesystem.read)],
    ["  write", of(filesystem.write)],
    ["  deny", of(filesystem.deny)],
    ["  domains", of(network.domains)],
    ["  commands", of(process.allow.map((argv) => JSON.stringify(argv)))],
    ["  confined by", backend.join(", else ")],
    ["  their network", process.network],
    ...Object.entries(process.limits).map(([limit, value]) => [`  ${limit}`, String(value)]),
  ];
}
