import { digestOf } from "../../model/canonical.ts";
import type { InputSpec, Journal, Outcome, Receipt } from "../../model/entry.ts";
import type { Json } from "../../model/json.ts";

/** A journal of nothing: what is asked of the world is done and not written down. For trying hooks outside of a run. */
export function unrecorded(now: () => number): Journal {
  const receipt: Receipt = { seq: 0, entry: digestOf("") };
  const input = async <A extends Json>({ perform }: InputSpec<A>): Promise<Outcome<A>> => {
    try {
      return { kind: "ok", value: await perform(new AbortController().signal) };
    } catch (error) {
      const code = error instanceof Error && "code" in error ? String(error.code) : "internal";
      return { kind: "error", code, message: error instanceof Error ? error.message : String(error) };
    }
  };
  return {
    now,
    ran: () => 0,
    check: () => receipt,
    input,
    inputs: (specs) => Promise.all(specs.map(input)),
    poll: () => undefined,
    untimed: (work) => work(),
    faultable: (_ref, wait) => wait(),
    durable: () => Promise.resolve(),
    commitment: () => "",
  };
}
