import type { ExitCode } from "../model/errors.ts";
import { type HookInspection, inspectHook } from "../runtime/authoring/inspect.ts";
import type { Call } from "./command.ts";
import { environment } from "./environment.ts";
import { painter } from "./output.ts";
import { columns } from "./table.ts";
import { jsonLine, visible } from "./visible.ts";

/** `hook inspect`: what a component is made of, or why it may not be used. */
export async function inspect({ args: [file = ""], json, out }: Call<object>): Promise<ExitCode> {
  const found = await inspectHook(file, environment());
  if (json) out.data(jsonLine(found));
  else out.data([head(found), made(found), manifest(found)].filter((part) => part !== "").join("\n"));
  return found.exit;
}

function head(found: HookInspection): string {
  const paint = painter(process.stdout);
  const about = columns([
    ["component", `${found.file}, ${found.bytes} bytes`],
    ["digest", found.digest],
  ]);
  if (found.ok) return `${about}\n${columns([["world    ", found.world]])}`;
  return `${about}\n${paint("refused", "bad")}: ${visible(found.refused)}`;
}

function made(found: HookInspection): string {
  if (!found.ok) return "";
  const imports = found.imports.map((one) => [`  ${one.interface}`, one.functions.join(", ")]);
  const modules = found.modules.map((module, index) => {
    const { memory, tables } = module;
    const entries = tables.map(size).join(", ");
    return [
      `  ${index}`,
      `${module.bytes} bytes`,
      `${module.functions} functions, ${module.codeBytes} bytes of code`,
      memory === undefined ? "no memory" : `${size(memory)} pages of memory`,
      entries === "" ? "" : `${entries} table entries`,
    ];
  });
  return [
    `hostcalls that it can reach${imports.length === 0 ? ": none" : ""}`,
    ...(imports.length === 0 ? [] : [columns(imports)]),
    `exports ${visible(found.exports.join(", "))}`,
    "core modules",
    columns(modules),
  ].join("\n");
}

function size({ initial, maximum }: { readonly initial: number; readonly maximum?: number }): string {
  return maximum === undefined ? `${initial} or more` : initial === maximum ? `${initial}` : `${initial} to ${maximum}`;
}

function signatureText({ signature }: NonNullable<HookInspection["manifest"]>): string {
  if (signature === null) return "none";
  const { signer, why } = signature;
  return why === null ? `by ${signer.id} (${signer.owner}), where a blueprint pins it` : `does not count: ${why}`;
}

function manifest({ manifest: found }: HookInspection): string {
  if (found === undefined) return "";
  const { tools, files } = found.authority;
  const asks = [
    ...tools.map((tool) => ["  tool", tool]),
    ...files.map(({ name, path, actions }) => ["  files", `${name}: ${actions.join(", ")} in ${path}`]),
  ];
  return [
    columns([
      ["hook", `${found.name}@${found.version}`],
      ["manifest", found.digest],
      ["role", found.role],
      ["tier", `${found.tier} (a manifest cannot raise it)`],
      ["signature", signatureText(found)],
      ["phases", found.phases.join(", ")],
      ["instance", found.instance === "run" ? "one for a run" : "a fresh one for each call"],
    ]),
    `what it asks for${asks.length === 0 ? ": nothing" : ", of which a blueprint grants a part or nothing"}`,
    ...(asks.length === 0 ? [] : [columns(asks)]),
    "limits",
    columns(Object.entries(found.limits).map(([limit, value]) => [`  ${limit}`, String(value)])),
  ].join("\n");
}
