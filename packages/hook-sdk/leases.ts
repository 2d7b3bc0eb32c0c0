/**
 * Leases: live capabilities, written as texts such as `capability://fs/workspace/src/**?action=read&uses=5&expires=60000`. What the
 * host refuses is an `Error` that may be caught.
 */
import * as leases from "pinion:hook/leases@1.0.0";
import { plainErrors } from "./refusal.ts";

/** Asks for a lease for the agent, as far as `leases.request` of every policy allows it. Answers with its name. */
export function request(capability: string): string {
  return plainErrors(() => leases.request(capability));
}
