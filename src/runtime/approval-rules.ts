import { covers, wrongPattern } from "../capability/approval-pattern.ts";
import { approvalBudget, approvalDemands } from "../capability/approvals.ts";
import type { Layer } from "../capability/layer.ts";
import type { ApprovalRules } from "../model/approval.ts";
import { signersOfAnswer } from "../trust/answer.ts";

/** The approvals of a run: what its layers of permission demand. */
export function approvalRules(layers: readonly Layer[]): ApprovalRules {
  const demands = approvalDemands(layers);
  return {
    demands: ({ call }) => demands(call),
    most: approvalBudget(layers),
    wrongPattern,
    covers,
    signers: signersOfAnswer,
  };
}
