import type { Taxon } from "../../model/phase.ts";
import type { Grants } from "../layer.ts";
import { startsProcesses } from "./processes.ts";
import { place, type Remark } from "./remark.ts";

/** A tool that exists. */
export interface KnownTool {
  readonly name: string;
  readonly taxon: Taxon;
  readonly readOnly: boolean;
}

/** What may be said of the rules for tools. */
export function reviewTools(grants: Grants, known: readonly KnownTool[]): readonly Remark[] {
  return [...reviewAllowed(grants, known), ...reviewDenied(grants, known), ...withoutTool(grants)];
}

function reviewAllowed({ tools }: Grants, known: readonly KnownTool[]): readonly Remark[] {
  return tools.allow.flatMap((name, index): readonly Remark[] => {
    const pointer = place("tools", "allow", index);
    if (name === "*") return [];
    const tool = known.find((one) => one.name === name);
    if (tool === undefined) return [{ pointer, message: `there is no tool \`${name}\`` }];
    if (tools.deny.includes(name)) return [{ pointer, message: "never allows anything: it is denied" }];
    if (tools.taxa.includes(tool.taxon)) return [];
    return [{ pointer, message: `never allows anything: \`tools.taxa\` lacks \`${tool.taxon}\`` }];
  });
}

function reviewDenied(grants: Grants, known: readonly KnownTool[]): readonly Remark[] {
  return grants.tools.deny.flatMap((name, index): readonly Remark[] => {
    const pointer = place("tools", "deny", index);
    const tool = known.find((one) => one.name === name);
    if (tool === undefined) return [{ pointer, message: `there is no tool \`${name}\`: this denies nothing` }];
    const sibling = siblingOf(tool, grants);
    return sibling === undefined ? [] : [{ pointer, message: `can be passed by: ${sibling}` }];
  });
}

/** How the same is done without the tool, if it can be. */
export function siblingOf(tool: KnownTool, grants: Grants): string | undefined {
  if (tool.name === "process.run" || !startsProcesses(grants)) return undefined;
  if (tool.taxon === "network") return grants.process.network === "host" ? "processes reach the network" : undefined;
  if (tool.taxon !== "workspace") return undefined;
  const { read, write } = grants.filesystem;
  if (tool.readOnly) return read.length > 0 ? "processes read the same files" : undefined;
  return write.length > 0 ? "processes change the same files" : undefined;
}

/** Rules that say something of what no allowed tool does. */
function withoutTool({ tools, process, network, spawn }: Grants): readonly Remark[] {
  const usable = (name: string, taxon: Taxon): boolean =>
    tools.allow.some((allowed) => allowed === "*" || allowed === name) &&
    tools.taxa.includes(taxon) &&
    !tools.deny.includes(name);
  const idle = (pointer: string, tool: string): Remark => ({
    pointer,
    message: `has no effect: the tool \`${tool}\` is not allowed`,
  });
  return [
    ...(process.allow.length > 0 && !usable("process.run", "process")
      ? [idle(place("process", "allow"), "process.run")]
      : []),
    ...(network.domains.length > 0 && !usable("http.fetch", "network")
      ? [idle(place("network", "domains"), "http.fetch")]
      : []),
    ...(spawn.depth > 0 && spawn.count > 0 && !usable("agent.spawn", "agent")
      ? [idle(place("spawn"), "agent.spawn")]
      : []),
    ...(spawn.depth > 0 !== spawn.count > 0
      ? [{ pointer: place("spawn"), message: "allows no children: `depth` and `count` must both be at least 1" }]
      : []),
  ];
}
