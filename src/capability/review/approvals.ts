import type { ApprovalRule, Grants } from "../layer.ts";
import { reviewAsked } from "./processes.ts";
import { place, type Remark } from "./remark.ts";
import { type KnownTool, siblingOf } from "./tools.ts";

/** What may be said of the rules for approvals. */
export function reviewApprovals(grants: Grants, known: readonly KnownTool[]): readonly Remark[] {
  const most = grants.budgets.approvals;
  const none = grants.approvals.length > 0 && most === 0;
  return [
    ...grants.approvals.flatMap((rule, index) => reviewRule(rule, index, grants, known)),
    ...(none
      ? [{ pointer: place("budgets", "approvals"), message: "nobody may be asked: what needs an approval is denied" }]
      : []),
  ];
}

function reviewRule(rule: ApprovalRule, index: number, grants: Grants, known: readonly KnownTool[]): readonly Remark[] {
  const pointer = place("approvals", index);
  if (rule.tools.length === 0 && rule.taxa.length === 0) {
    return [{ pointer, message: `\`${rule.name}\` never matches: it lists neither tools nor taxa` }];
  }
  const processes = known.find(({ name }) => name === "process.run");
  const ofProcesses = grants.approvals.filter((one) => processes !== undefined && isListed(one, processes));
  const areAsked = ofProcesses.some(({ when }) => when.argv === undefined);
  const asked = ofProcesses.flatMap(({ when }) => when.argv ?? []);
  const argv = areAsked ? [] : (rule.when.argv ?? []);
  return [
    ...rule.tools.flatMap((name, at): readonly Remark[] => {
      const place = `${pointer}/tools/${at}`;
      const tool = known.find((one) => one.name === name);
      if (tool === undefined) return [{ pointer: place, message: `there is no tool \`${name}\`` }];
      const sibling = areAsked ? undefined : siblingOf(tool, grants);
      return sibling === undefined
        ? []
        : [{ pointer: place, message: `can be passed by: ${sibling} without an approval` }];
    }),
    ...argv.flatMap((pattern, at) =>
      reviewAsked(pattern, `${pointer}/when/argv/${at}`, { asked, allow: grants.process.allow }),
    ),
  ];
}

function isListed({ tools, taxa }: ApprovalRule, { name, taxon }: KnownTool): boolean {
  return tools.includes(name) || taxa.includes(taxon);
}
