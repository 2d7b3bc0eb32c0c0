import type { Outcome } from "../model/entry.ts";
import { isJsonObject, type Json, type JsonObject } from "../model/json.ts";
import type { CallFacts } from "../model/payload.ts";
import { obey, pauseHere } from "./control.ts";
import { announced, type Ready, within } from "./effect.ts";
import type { Run } from "./run.ts";

/**
 * A child that paused waits for a person, and so does the call that started it: the parent pauses in the middle of its step.
 * When it goes on, so does the child, and its agent hears what the child came to in the end. Throws `Rest` when nobody wants it to go on.
 */
export async function awaitChild(
  run: Run,
  { facts, receipt, action }: Pick<Ready, "facts" | "receipt" | "action">,
  first: Outcome,
): Promise<Outcome> {
  let outcome = first;
  for (let again = 1; ; again++) {
    const child = pausedChild(facts, outcome);
    if (child === undefined) return outcome;
    // Who asked the run to pause has paused the child with it.
    if (!(await obey(run))) await pauseHere(run, `child run \`${child}\` is paused`);
    outcome = await run.journal.input<JsonObject>({
      kind: "input.tool",
      ref: { call: facts.id, tool: facts.tool, again },
      request: { child },
      // The child's own journal says how far it came, so taking it up twice is taking it up once.
      effect: { receipt, clear: { ...announced(facts, action), child }, idempotent: true },
      perform: (signal) => run.ports.resumeChild(child, within(run, signal)),
    });
  }
}

function pausedChild(facts: CallFacts, outcome: Outcome): string | undefined {
  if (facts.tool !== "agent.spawn" || outcome.kind !== "ok" || !isJsonObject(outcome.value)) return undefined;
  const { state, run }: { readonly [key: string]: Json } = outcome.value;
  return state === "paused" && typeof run === "string" ? run : undefined;
}
