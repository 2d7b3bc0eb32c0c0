import { domainDenied } from "../domains.ts";
import type { Grants } from "../layer.ts";
import { startsProcesses } from "./processes.ts";
import { place, type Remark } from "./remark.ts";

/** What may be said of the rules for domains. */
export function reviewNetwork(grants: Grants): readonly Remark[] {
  const { domains, deny } = grants.network;
  const never = domains.flatMap((domain, index) => {
    const by = deny.find((denied) => covers(denied, domain));
    if (by === undefined) return [];
    return [{ pointer: place("network", "domains", index), message: `never allows anything: \`${by}\` is denied` }];
  });
  const beside = grants.process.network === "host" && startsProcesses(grants);
  if (!beside || (domains.includes("*") && deny.length === 0)) return never;
  const message = "processes reach whatever the machine reaches: the rules for domains do not bind them";
  return [...never, { pointer: place("process", "network"), message }];
}

function covers(denied: string, domain: string): boolean {
  if (denied === "*" || denied === domain) return true;
  return domain !== "*" && denied.startsWith("*.") && domainDenied(denied, domain.replace(/^\*\./, "any."));
}
