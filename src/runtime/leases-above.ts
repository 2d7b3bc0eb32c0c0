import { existsSync } from "node:fs";
import { Follower } from "../journal/follow.ts";
import { journalFile } from "../journal/store.ts";
import type { Control } from "../model/entry.ts";
import { type Environment, runFolder } from "./machine.ts";
import type { Header } from "./spec.ts";

type Revocation = Extract<Control, { kind: "revoke-lease" }>;

/**
 * What became, while nobody worked on a run, of the leases of the runs above that its own came from: the journals of those runs say
 * it. What a run held that is gone, it has lost. A run whose parent works on it hears the rest through its control.
 */
export async function revokedAbove({ delegated }: Pick<Header, "delegated">, env: Environment): Promise<Revocation[]> {
  const found: Revocation[] = [];
  for (const run of new Set(delegated.flatMap(({ lineage }) => lineage.map(runOf)))) {
    const names = new Set(delegated.flatMap(({ lineage }) => lineage.filter((name) => runOf(name) === run)));
    found.push(...(await endedIn(run, names, env)));
  }
  return found;
}

async function endedIn(run: string, names: ReadonlySet<string>, env: Environment): Promise<Revocation[]> {
  const folder = runFolder(env, run);
  if (!existsSync(journalFile(folder))) {
    const reason = `the run \`${run}\` that delegated it is gone`;
    return [...names].map((lease) => ({ kind: "revoke-lease", lease, reason, by: "Pinion" }));
  }
  const journal = new Follower(folder);
  try {
    const found: Revocation[] = [];
    for await (const { entry } of journal.entries()) {
      const { lease, event, reason, by } = entry.body;
      const name = `${run}/${String(lease)}`;
      if (entry.kind !== "check.lease" || !names.has(name) || (event !== "revoked" && event !== "expired")) continue;
      found.push({
        kind: "revoke-lease",
        lease: name,
        reason: typeof reason === "string" ? reason : "it has expired",
        by: typeof by === "string" ? by : "Pinion",
      });
    }
    return found;
  } finally {
    journal.close();
  }
}

function runOf(name: string): string {
  return name.split("/")[0] ?? "";
}
