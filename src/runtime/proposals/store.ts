import { join } from "node:path";
import { ProposalStore } from "../../trust/proposals/store.ts";
import type { Environment } from "../machine.ts";

/** The proposals of this user. */
export function proposalsOf(env: Pick<Environment, "dataDir">): ProposalStore {
  return new ProposalStore(join(env.dataDir, "proposals"));
}
