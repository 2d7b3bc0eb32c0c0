import { type Digest, isJsonObject, type JsonObject, type RecordedEntry } from "../../src/index.ts";
import { type BoundarySeen, boundaryOf, type IntentSeen, member } from "./read.ts";

/** The hooks that were loaded last on one level, with what they were granted. */
interface Loaded {
  readonly seq: number;
  readonly digest: Digest;
  readonly hooks: readonly JsonObject[];
}

/** What a receipt may name: the boundaries of this step, and the hooks of each level. Older ones are forgotten. */
export class Boundaries {
  readonly #boundaries = new Map<number, BoundarySeen>();
  readonly #used = new Map<number, IntentSeen>();
  readonly #loaded = new Map<number, Loaded>();
  #step = 0;

  see(recorded: RecordedEntry): void {
    const { entry, digest } = recorded;
    if (entry.kind === "check.hooks") {
      const { level, hooks } = entry.body;
      const listed = Array.isArray(hooks) ? hooks.filter(isJsonObject) : [];
      this.#loaded.set(Number(level), { seq: entry.seq, digest, hooks: listed });
    }
    if (entry.kind !== "check.boundary") return;
    const boundary = boundaryOf(recorded);
    if (boundary === undefined) return;
    if (boundary.step !== this.#step) {
      this.#boundaries.clear();
      this.#used.clear();
      this.#step = boundary.step;
    }
    this.#boundaries.set(boundary.seq, boundary);
  }

  /** The boundary that an intent names; or why it names none that could be its receipt. */
  named({ receipt }: IntentSeen): BoundarySeen | string {
    if (receipt === undefined) return "it carries no receipt";
    const boundary = this.#boundaries.get(receipt.seq);
    if (boundary === undefined) return `its receipt names seq ${receipt.seq}, which is no boundary of its step`;
    if (boundary.digest === receipt.entry) return boundary;
    return `its receipt names seq ${receipt.seq} with another digest than that entry has`;
  }

  /** The intent that used a boundary before this one. */
  use(boundary: BoundarySeen, intent: IntentSeen): IntentSeen | undefined {
    const before = this.#used.get(boundary.seq);
    if (before === undefined) this.#used.set(boundary.seq, intent);
    return before;
  }

  /** The last boundary of a phase in this step that was about this call. */
  ofCall(phase: "pre-tool" | "spawn", call: string): BoundarySeen | undefined {
    return [...this.#boundaries.values()].findLast(
      (boundary) => boundary.phase === phase && callOf(boundary)?.id === call,
    );
  }

  /** The hook as it was loaded where the receipt says, or why it was not. */
  grants({ receipt, ref }: IntentSeen): JsonObject | string {
    if (receipt === undefined) return "it carries no receipt";
    const loaded = [...this.#loaded.values()].find(({ seq }) => seq === receipt.seq);
    if (loaded === undefined || loaded.digest !== receipt.entry) {
      return `its receipt names seq ${receipt.seq}, which is not where hooks were loaded last`;
    }
    const hook = loaded.hooks.find((one) => one.hook === ref.hook);
    return hook ?? `its receipt names no hook \`${String(ref.hook)}\``;
  }
}

/** What call a boundary is about. */
export function callOf({ phase, payload }: BoundarySeen): { readonly id: string; readonly tool: string } | undefined {
  const call = payload?.call;
  if (phase === "spawn") return typeof call === "string" ? { id: call, tool: "agent.spawn" } : undefined;
  const [id, tool] = [member(call, "id"), member(call, "tool")];
  return typeof id === "string" && typeof tool === "string" ? { id, tool } : undefined;
}
