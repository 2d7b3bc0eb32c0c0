import type { Audit } from "../../src/model/payload.ts";
import { allow, defineHook, emit, type Verdict, write } from "../sdk/hook.ts";

interface Config {
  /** Whether every boundary is reported by an event. */
  readonly events: boolean;
}

const counts: Record<string, number> = {};

/** Watches every boundary: refuses a record that contradicts itself, counts, and leaves a `status` capsule at a block. */
export const { configure, handle } = defineHook<Config>({
  configure: ({ events }) => ({ events: events === true }),
  handlers: {
    audit(record, { events }) {
      const fault = inconsistency(record);
      // An observer does not block: it fails, and that pauses the run until a person has looked.
      if (fault !== undefined) throw new Error(`the audit record of \`${record.boundary}\` is inconsistent: ${fault}`);
      const key = `${record.boundary} ${record.decision}`;
      counts[key] = (counts[key] ?? 0) + 1;
      if (record.decision === "block") write("status", { counts, summary: summary(record) });
      if (events)
        emit("boundary", {
          boundary: record.boundary,
          count: counts[key],
          decision: record.decision,
          step: record.step,
        });
      return seen(record);
    },
  },
});

/** What is wrong with a record, or undefined: every verdict says why, and what blocks a boundary blocks it. */
function inconsistency({ verdicts, decision }: Audit): string | undefined {
  for (const { hook, decision: said, rationale } of verdicts) {
    if (rationale.trim() === "") return `the verdict of \`${hook}\` has no rationale`;
    if ((said === "block" || said === "failed") && decision !== "block")
      return `\`${hook}\` said ${said}, yet the decision is ${decision}`;
  }
  return undefined;
}

/** Which hook blocked and where; its own words stay in the record. */
function summary({ boundary, step, verdicts }: Audit): string {
  const hooks = verdicts
    .filter(({ decision }) => decision === "block" || decision === "failed")
    .map(({ hook }) => `\`${hook}\``);
  const by = hooks.length === 0 ? "" : ` by ${hooks.slice(0, 8).join(", ")}`;
  return `step ${step}: \`${boundary}\` was blocked${by}`;
}

function seen({ boundary, decision, verdicts }: Audit): Verdict {
  return allow(`recorded: \`${boundary}\` ${decision}, ${verdicts.length} verdicts`);
}
