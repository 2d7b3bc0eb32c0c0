import { readFileSync } from "node:fs";
import { EXIT, type ExitCode, InputError } from "../model/errors.ts";
import { isJsonObject, type Json, type JsonObject } from "../model/json.ts";
import { checkPolicy } from "../runtime/policy/check.ts";
import { type Explained, explainCall } from "../runtime/policy/explain.ts";
import { type PolicyView, showPolicy } from "../runtime/policy/show.ts";
import type { Call } from "./command.ts";
import { environment } from "./environment.ts";
import { painter } from "./output.ts";
import { columns } from "./table.ts";
import { jsonLine, visibleLine } from "./visible.ts";

interface ExplainOptions {
  readonly tool: string;
  readonly arguments: string;
  readonly workspace?: string;
  readonly policy?: string;
}

/** `pinion policy explain`: exit code 4 where the call would be denied. */
export async function explain({ args: [of = ""], options, json, out }: Call<ExplainOptions>): Promise<ExitCode> {
  const { tool, workspace, policy } = options;
  const given = argumentsIn(options.arguments);
  const explained = await explainCall({ of, tool, arguments: given, workspace, policy }, environment());
  out.data(json ? jsonLine(explained) : explainedText(explained));
  return explained.exit;
}

export async function show({ args: [of = ""], options, json, out }: Call<{ policy?: string }>): Promise<ExitCode> {
  const view = await showPolicy({ of, policy: options.policy }, environment());
  out.data(json ? jsonLine(view) : viewText(view));
  return EXIT.ok;
}

export async function check({ args: [file = ""], json, out }: Call<object>): Promise<ExitCode> {
  const checked = await checkPolicy(file, environment());
  const { exit, ...shown } = checked;
  if (json) {
    out.data(jsonLine(shown));
    return exit;
  }
  const lines = (checked.ok ? checked.warnings : checked.faults).map(
    ({ file: where, line, column, message }) => `${where}:${line}:${column} ${message}`,
  );
  const head = checked.ok ? `policy ${checked.name}@${checked.version}: ${counted(lines.length)}` : "not a policy:";
  out.data([head, ...lines].map(visibleLine).join("\n"));
  return exit;
}

function counted(warnings: number): string {
  return warnings === 0 ? "nothing to object to" : warnings === 1 ? "1 warning" : `${warnings} warnings`;
}

/** JSON as it is given, or a file that holds it. */
function argumentsIn(given: string): JsonObject {
  const text = /^\s*\{/.test(given) ? given : read(given);
  const value = parsed(text);
  if (isJsonObject(value)) return value;
  throw new InputError({ code: "bad-arguments", message: "`--arguments` is not a JSON object" });
}

function parsed(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new InputError({ code: "bad-arguments", message: `\`--arguments\` is not JSON: ${why}`, cause });
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    const message = `\`--arguments\` is neither a JSON object nor a file that can be read: \`${file}\``;
    throw new InputError({ code: "bad-arguments", message, cause });
  }
}

function explainedText(explained: Explained): string {
  const { of, tool, taxon, allow, rule, reason, layers, resolution, approvals, leases, secrets } = explained;
  const paint = painter(process.stdout);
  const table = layers.map((layer) => [
    layer.allow ? "  ✓" : "  ✗",
    layer.layer,
    layer.rule.startsWith(`${layer.layer}: `) ? layer.rule.slice(layer.layer.length + 2) : layer.rule,
  ]);
  const named = resolution === null ? "nothing was looked up; give --workspace" : JSON.stringify(resolution);
  return [
    `${paint(allow ? "allowed" : "denied", allow ? "good" : "bad")}: ${visibleLine(reason)}`,
    `  ${visibleLine(allow ? "every layer allows it" : `by ${rule}`)}`,
    `layers of ${visibleLine(of)}, for ${tool} (${taxon})`,
    columns(table),
    `names     ${visibleLine(named)}`,
    ...approvals.map(({ by, users, keys }) => {
      const who = [...users, ...keys];
      return visibleLine(`approval  by ${who.length === 0 ? "a person" : who.join(" or ")}: ${by}`);
    }),
    ...secrets.map(({ name, as, to, allow: handed }) =>
      visibleLine(`secret    ${name}, as ${as === to ? as : `${as} ${to}`}${handed ? "" : ": denied"}`),
    ),
    ...leases.map(({ capability, by }) => `lease     ${visibleLine(`${capability}, by ${by.join(", ")}`)}`),
  ].join("\n");
}

function viewText({ of, layers, effective, denied }: PolicyView): string {
  const paint = painter(process.stdout);
  const { limits, processBackends, processNetwork } = effective;
  return [
    paint(visibleLine(of), "strong"),
    "together",
    columns([
      ["  tools", listed(effective.tools)],
      ["  read", listed(effective.read)],
      ["  write", listed(effective.write)],
      ["  never", listed(denied.files)],
      ["  run", listed(effective.processes.map((words) => words.join(" ")))],
      ["  never run", listed(denied.processes.map((words) => words.join(" ")))],
      ["  confined by", listed(processBackends)],
      ["  network of processes", processNetwork],
      ["  reach", listed(effective.domains)],
      ["  never reach", listed(denied.domains)],
      ["  secrets", listed(effective.secrets)],
      [
        "  limits",
        Object.entries(limits)
          .map(([name, value]) => `${name} ${value}`)
          .join(", "),
      ],
    ]),
    ...layers.flatMap(({ name, digest, grants }) => [
      `${paint(visibleLine(name), "strong")}  ${digest}`,
      columns(Object.entries(grants).map(([field, value]) => [`  ${field}`, JSON.stringify(value)])),
    ]),
  ].join("\n");
}

function listed(values: readonly string[]): string {
  return values.length === 0 ? "nothing" : values.join(", ");
}
