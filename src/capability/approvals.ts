import type { Demand } from "../model/approval.ts";
import type { CallFacts } from "../model/payload.ts";
import { inOrder } from "./decision.ts";
import { domainDenied } from "./domains.ts";
import { segmentsOf } from "./files.ts";
import { fold, matches, mayMatchBelow } from "./glob.ts";
import type { ApprovalRule, Layer } from "./layer.ts";
import { argvDenied } from "./words.ts";

/** Approvals that a run may ask for where no layer says how many. */
const MOST = 32;

/** Command lines that one comes to once names and interpreters are looked up. */
type Really = readonly (readonly string[])[];

/**
 * What the rules of all layers demand: each rule that covers the call, in the order of the layers' names. A command line is covered
 * under each of those that it `really` comes to as well. Pure.
 */
export function approvalDemands(layers: readonly Layer[], call: CallFacts, really: Really = []): readonly Demand[] {
  return inOrder(layers).flatMap(({ name, approvals }) =>
    approvals.filter((rule) => isCovered(rule, call, really)).map((rule) => demandOf(name, rule)),
  );
}

/** How many approvals a run may ask for: the least that any layer says. */
export function approvalBudget(layers: readonly Layer[]): number {
  return Math.min(...layers.map(({ budgets }) => budgets.approvals ?? MOST));
}

function demandOf(layer: string, { name, scopes, expiresMs, approvers }: ApprovalRule): Demand {
  return {
    by: `${layer}: approvals.${name}`,
    scopes: ["once", ...scopes.filter((scope) => scope !== "once")],
    expiresMs,
    users: approvers.users ?? [],
    keys: approvers.keys ?? [],
  };
}

/**
 * A rule is about the tools and taxa that it lists. `when` narrows it to calls that one of its
 * lists matches, in every spelling that could mean the same; a listed tool that none of its lists can judge is covered as a whole.
 */
function isCovered({ tools, taxa, when }: ApprovalRule, call: CallFacts, really: Really): boolean {
  const lists = [
    ...(when.argv === undefined ? [] : [argvIn(call, when.argv, really)]),
    ...(when.paths === undefined ? [] : [pathsIn(call, when.paths)]),
    ...(when.domains === undefined ? [] : [domainIn(call, when.domains)]),
  ];
  const judged = lists.filter((found) => found !== undefined);
  const isListed = tools.includes(call.tool) || taxa.includes(call.taxon);
  return isListed && (judged.length === 0 || judged.includes(true));
}

/** Undefined for a call that has no command line. */
function argvIn(
  { arguments: { argv } }: CallFacts,
  patterns: readonly (readonly string[])[],
  really: Really,
): boolean | undefined {
  if (!Array.isArray(argv)) return undefined;
  const lines = [argv.map(String), ...really];
  return patterns.some((pattern) => lines.some((words) => argvDenied(pattern, words)));
}

/** Paths are compared in every spelling of case and Unicode, and as directories that may hold what a pattern names. */
function pathsIn({ arguments: named, taxon, tool }: CallFacts, patterns: readonly string[]): boolean | undefined {
  const paths = pathsOf(tool, named);
  if (paths === undefined || taxon === "process") return undefined;
  return paths.some((path) => {
    const segments = segmentsOf(path).map(fold);
    return patterns.some((pattern) => {
      const folded = segmentsOf(pattern).map(fold);
      return matches([...folded, "**"], segments) || mayMatchBelow(folded, segments);
    });
  });
}

function domainIn({ arguments: { url } }: CallFacts, patterns: readonly string[]): boolean | undefined {
  const host = hostOf(url);
  return host === undefined ? undefined : patterns.some((pattern) => domainDenied(pattern, host));
}

/** The paths that a call of a file tool names; undefined for other tools. */
export function pathsOf(tool: string, { path, from, to }: CallFacts["arguments"]): readonly string[] | undefined {
  if (!tool.startsWith("file.")) return undefined;
  const named = [path, from, to].filter((one) => typeof one === "string");
  return named.length === 0 ? ["."] : named;
}

/** The host that a URL names; undefined for what is no URL. */
export function hostOf(url: unknown): string | undefined {
  const parsed = typeof url === "string" ? URL.parse(url) : null;
  return parsed === null ? undefined : parsed.hostname.replace(/^\[(.*)\]$/, "$1").replace(/\.$/, "");
}
