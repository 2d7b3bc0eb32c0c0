import type { SecretUse, ToolSpec } from "../../model/tool.ts";

/** Headers that steer a connection, or that agents may set themselves. */
const HEADERS = new Set([
  "accept",
  "accept-encoding",
  "accept-language",
  "connection",
  "content-length",
  "content-type",
  "expect",
  "host",
  "if-modified-since",
  "if-none-match",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "user-agent",
]);
/** Variables that Pinion sets, or that change which code a program loads. */
const VARIABLES = /^(?:PATH|HOME|TMPDIR|LANG|PWD|OLDPWD|SHLVL|IFS|ENV|BASH_ENV|NODE_OPTIONS|LD_.*)$/;

/** Per way of handing over: the tool that knows it, and the fields that it takes. */
const WAYS: Readonly<
  Record<SecretUse["as"], { readonly tool: string; readonly needs: readonly Field[]; readonly may: readonly Field[] }>
> = {
  header: { tool: "http.fetch", needs: ["header", "domains"], may: ["format"] },
  environment: { tool: "process.run", needs: ["variable", "argv"], may: ["format"] },
  file: { tool: "process.run", needs: ["variable", "argv"], may: ["format"] },
  stdin: { tool: "process.run", needs: ["argv"], may: ["format"] },
};
const FIELDS = ["header", "variable", "format", "domains", "argv"] as const;
type Field = (typeof FIELDS)[number];

/** What is wrong with the secrets of a registry's tool, one text a fault; the schema has been checked before. */
export function faultsOf({ name: tool, secrets = [] }: ToolSpec): readonly string[] {
  return secrets.flatMap((use, index) => faultsOfUse(tool, use).map((fault) => `secrets[${index}] ${fault}`));
}

function faultsOfUse(tool: string, use: SecretUse): readonly string[] {
  const way = WAYS[use.as];
  if (way.tool !== tool) return [`\`as: ${use.as}\` is for \`${way.tool}\`, not for \`${tool}\``];
  const faults: string[] = [];
  for (const field of FIELDS) {
    // The loader fills in the format where none is given.
    if (use[field] === undefined && way.needs.includes(field)) faults.push(`needs \`${field}\``);
    if (use[field] !== undefined && !way.needs.includes(field) && !way.may.includes(field)) {
      faults.push(`\`${field}\` means nothing with \`as: ${use.as}\``);
    }
  }
  if (use.header !== undefined && HEADERS.has(use.header))
    faults.push(`the header \`${use.header}\` cannot hold a secret`);
  if (use.variable !== undefined && VARIABLES.test(use.variable)) {
    faults.push(`the variable \`${use.variable}\` cannot hold a secret`);
  }
  for (const pattern of use.argv ?? []) {
    if (pattern[0] === "*" || pattern[0] === "**") faults.push("`argv` must name the command, which no `*` does");
    if (pattern.slice(0, -1).includes("**")) faults.push("`**` stands for what is left of `argv` and comes last");
  }
  return faults;
}
