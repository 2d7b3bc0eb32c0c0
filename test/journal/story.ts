import type { Journal, Receipt } from "../../src/model/entry.ts";
import type { Json, JsonObject } from "../../src/model/json.ts";

/** A check of a boundary as the kernel writes them. */
export function boundary(journal: Journal, phase: string, verdict: JsonObject = {}): Receipt {
  return journal.check("check.boundary", {
    phase,
    payload: journal.commitment(phase),
    verdicts: [
      { hook: "redact", decision: "transform", rationale: "one secret" },
      { hook: "tool-gate", decision: "allow", rationale: "is on the list", ...verdict },
    ],
  });
}

/** What a run does to the world; each call says what was done. */
export type World = (what: string) => Promise<Json>;

/** A small run: every kind of move that a kernel makes. Deterministic but for what `world` answers. */
export async function story(journal: Journal, world: World, steps = 2): Promise<string[]> {
  const told: string[] = [];
  const tell = (value: unknown) => told.push(JSON.stringify(value));
  tell(await journal.input({ kind: "input.start", ref: {}, request: null, perform: () => world("start") }));
  tell(journal.check("check.hooks", { hooks: ["redact", "tool-gate"] }));
  for (let step = 1; step <= steps; step++) {
    tell(journal.poll());
    const receipt = boundary(journal, "pre-send");
    const effect = { receipt, clear: { step }, idempotent: true };
    const model = { kind: "input.model", ref: { step }, request: { messages: [`question ${step}`] } } as const;
    tell(await journal.input({ ...model, effect, perform: () => world(`model ${step}`) }));
    const reads = ["a", "b"].map((name) => ({
      kind: "input.resolve" as const,
      ref: { step, name },
      request: { path: name },
      perform: () => world(`resolve ${step} ${name}`),
    }));
    tell(await journal.inputs(reads));
    const let_ = await journal.faultable({ step, batch: 0 }, async () => boundary(journal, "pre-tool"));
    const tool = { kind: "input.tool", ref: { step, call: "c1" }, request: { tool: "file.write", step } } as const;
    const unsafe = { receipt: let_, clear: { tool: "file.write" }, idempotent: false };
    tell(await journal.input({ ...tool, effect: unsafe, perform: () => world(`tool ${step}`) }));
    tell(journal.now());
    await journal.durable();
  }
  journal.check("check.state", { from: "running", to: "completed" });
  tell(journal.check("check.end", { steps }));
  await journal.durable();
  return told;
}
