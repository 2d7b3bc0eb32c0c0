import { covers, wrongPattern } from "../capability/approval-pattern.ts";
import { approvalBudget, approvalDemands } from "../capability/approvals.ts";
import type { Layer } from "../capability/layer.ts";
import type { ApprovalRules } from "../model/approval.ts";
import { reallyCalled } from "../tool/process/really.ts";
import { signersOfAnswer } from "../trust/answer.ts";

/** The approvals of a run: what its layers of permission demand; `layers` are those of the moment. */
export function approvalRules(layers: () => readonly Layer[]): ApprovalRules {
  return {
    demands: ({ call, resolution }) => approvalDemands(layers(), call, reallyCalled(call.arguments, resolution)),
    get most() {
      return approvalBudget(layers());
    },
    wrongPattern,
    covers,
    signers: signersOfAnswer,
  };
}
