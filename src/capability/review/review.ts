import type { Grants } from "../layer.ts";
import { reviewApprovals } from "./approvals.ts";
import { reviewFiles } from "./files.ts";
import { reviewNetwork } from "./network.ts";
import { reviewProcesses } from "./processes.ts";
import type { Remark } from "./remark.ts";
import { type KnownTool, reviewTools } from "./tools.ts";

/**
 * What is allowed in a policy and still worth a look: rules that never match, and rules that another one or another tool lets pass.
 * It decides nothing. `known`: the tools that exist.
 */
export function reviewPolicy(grants: Grants, known: readonly KnownTool[]): readonly Remark[] {
  return [
    ...reviewFiles(grants),
    ...reviewProcesses(grants),
    ...reviewNetwork(grants),
    ...reviewTools(grants, known),
    ...reviewApprovals(grants, known),
  ];
}
