import type { Layer } from "../layer.ts";
import { missingFrom } from "../narrowing.ts";
import { leaseRules, type Rules } from "./rules.ts";

/**
 * The rules of a run whose layers may become more: what the further ones need leases for is needed from then on, and no hook is given
 * more than they say. `began`: the rules that it began with, whose grants alone are minted.
 */
export function narrowedRules(
  layers: () => readonly Layer[],
  {
    own,
    inherited,
    began,
  }: { readonly own: readonly Layer[]; readonly inherited: readonly Layer[]; readonly began: Rules },
): Rules {
  let known: { readonly of: readonly Layer[]; readonly rules: Rules } | undefined;
  const now = (): Rules => {
    const of = layers();
    if (known?.of !== of) {
      const more = missingFrom([...own, ...inherited], of);
      known = { of, rules: more.length === 0 ? began : leaseRules({ own: [...own, ...more], inherited }) };
    }
    return known.rules;
  };
  return {
    grants: began.grants,
    above: began.above,
    get required() {
      return now().required;
    },
    get request() {
      return now().request;
    },
    get mint() {
      return now().mint;
    },
  };
}
