import type { Proposer } from "../../runtime/proposals/view.ts";

/** Who proposed something, in a few words. Text of agents: to be made visible by who prints it. */
export function proposerText(by: Proposer): string {
  return by.kind === "person" ? by.user : `agent ${by.agent.name}@${by.agent.version} in run ${by.run}`;
}
