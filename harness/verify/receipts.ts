import { isJsonObject, type RecordedEntry } from "../../src/index.ts";
import { Boundaries, callOf } from "./boundaries.ts";
import { type CheckResult, type EntryCheck, Findings } from "./check.ts";
import { aboutOf, type BoundarySeen, type IntentSeen, intentOf, member, refOf } from "./read.ts";

/** An effect, what announced it, and what let it through. */
export interface Effect {
  readonly recorded: RecordedEntry;
  readonly intent: IntentSeen;
  /** Undefined for what a hook did to files, which its grants let through. */
  readonly boundary: BoundarySeen | undefined;
  /** The gate of a spawn's call, which comes before that of the spawn. */
  readonly call: BoundarySeen | undefined;
}

interface Announced extends Omit<Effect, "recorded"> {}

const WRITES: readonly string[] = ["write", "create-directory", "remove", "rename"];

/**
 * Invariants 9 and 11: whether every effect was announced, and let through by the boundary that its receipt names: of the right
 * phase, about this call, allowed, not used before; and whether nothing else happened while it was under way.
 */
export class ReceiptCheck implements EntryCheck {
  readonly #found = new Findings("receipts");
  readonly #boundaries = new Boundaries();
  readonly #onEffect: (effect: Effect) => void;
  #pending: Announced[] = [];
  /** Whether an outcome has come since the intents: what is announced together comes before all outcomes. */
  #performing = false;
  #hostcall: { readonly hook: unknown; readonly call: unknown } | undefined;
  #effects = 0;

  constructor(onEffect: (effect: Effect) => void) {
    this.#onEffect = onEffect;
  }

  see(recorded: RecordedEntry): void {
    const { kind, seq } = recorded.entry;
    if (kind === "check.intent") this.#announced(recorded);
    else if (isEffect(recorded)) this.#performed(recorded);
    else if (this.#pending.length > 0) {
      this.#found.fail(`stands where the outcome of ${listed(this.#pending)} must stand`, seq);
      this.#pending = [];
    }
    if (kind === "check.hostcalls") this.#hostcall = { hook: recorded.entry.body.hook, call: recorded.entry.body.call };
    this.#boundaries.see(recorded);
  }

  /** `complete`: the run has ended, so nothing may be left open. */
  end(complete = false): CheckResult {
    if (this.#pending.length > 0) {
      const open = `${listed(this.#pending)} has no outcome`;
      if (complete) this.#found.fail(open, this.#pending[0]?.intent.seq);
      else this.#found.note(`${open}: the run was interrupted there, and whether it happened is not known`);
    }
    return this.#found.result(`${this.#effects} effects, each let through by a boundary of its own`);
  }

  #announced(recorded: RecordedEntry): void {
    const { seq } = recorded.entry;
    const intent = intentOf(recorded);
    if (intent === undefined) {
      this.#found.fail("is no intent as a kernel writes it", seq);
      return;
    }
    if (this.#performing) {
      this.#found.fail(`comes while ${listed(this.#pending)} is under way`, seq);
      this.#pending = [];
      this.#performing = false;
    }
    if (this.#pending.some((one) => one.intent.about === intent.about)) {
      this.#found.fail("announces what is announced already", seq);
      return;
    }
    const announced = this.#receiptOf(intent);
    if (typeof announced === "string") this.#found.fail(announced, seq);
    this.#pending.push(typeof announced === "string" ? { intent, boundary: undefined, call: undefined } : announced);
  }

  #performed(recorded: RecordedEntry): void {
    const { kind, seq, body } = recorded.entry;
    this.#effects += 1;
    const about = aboutOf(kind, refOf(body));
    const announced = this.#pending.find((one) => one.intent.about === about);
    if (announced === undefined) {
      this.#found.fail(`is an effect that no intent announces`, seq);
      return;
    }
    this.#pending = this.#pending.filter((one) => one !== announced);
    this.#performing = this.#pending.length > 0;
    this.#onEffect({ recorded, ...announced });
  }

  /** What let it through; or why nothing did. */
  #receiptOf(intent: IntentSeen): Announced | string {
    switch (intent.kind) {
      case "input.model":
        return this.#ofModel(intent);
      case "input.tool":
        return this.#ofTool(intent);
      case "input.file":
        return this.#ofFile(intent);
      default:
        return `announces \`${intent.kind}\`, which is no effect`;
    }
  }

  #ofModel(intent: IntentSeen): Announced | string {
    const boundary = this.#boundaries.named(intent);
    if (typeof boundary === "string") return boundary;
    if (boundary.phase !== "pre-send") return unlike(intent, boundary, "`pre-send`");
    if (boundary.step !== intent.ref.step) return `its receipt names a boundary of step ${boundary.step}`;
    return this.#letThrough(intent, boundary) ?? { intent, boundary, call: undefined };
  }

  #ofTool(intent: IntentSeen): Announced | string {
    const boundary = this.#boundaries.named(intent);
    if (typeof boundary === "string") return boundary;
    const { call: id, tool } = intent.ref;
    const phase = boundary.phase === "spawn" && tool === "agent.spawn" ? "spawn" : "pre-tool";
    if (boundary.phase !== phase) return unlike(intent, boundary, `\`${phase}\``);
    const about = callOf(boundary);
    if (boundary.decision === "allow" && (about?.id !== id || about?.tool !== tool)) {
      return `its receipt names seq ${boundary.seq}, which is about another call (\`${about?.id}\` \`${about?.tool}\`)`;
    }
    const wrong = this.#letThrough(intent, boundary);
    if (wrong !== undefined) return wrong;
    const call = phase === "spawn" ? this.#boundaries.ofCall("pre-tool", String(id)) : boundary;
    if (call === undefined || call.decision === "block") return "no boundary `pre-tool` let its call through";
    if (phase === "pre-tool" && isJsonObject(member(boundary.payload?.resolution, "child"))) {
      return "it starts a child, and its receipt is not that of the phase `spawn`";
    }
    if (member(call.payload?.call, "taxon") !== intent.body.taxon) return "it names another taxon than its boundary";
    return { intent, boundary, call };
  }

  /** What a hook does to files stands on its grants; the hostcall comes right before. */
  #ofFile(intent: IntentSeen): Announced | string {
    const hook = this.#boundaries.grants(intent);
    if (typeof hook === "string") return hook;
    const name = String(intent.ref.hook);
    if (hook.state !== "ready") return `its receipt names hook \`${name}\`, which was not ready`;
    const files = member(hook.authority, "files");
    const writes =
      Array.isArray(files) &&
      files.some(
        (file) =>
          Array.isArray(member(file, "actions")) && (member(file, "actions") as readonly unknown[]).includes("write"),
      );
    if (!writes) return `its receipt names hook \`${name}\`, which has no grant to write`;
    const call = `files.${String(intent.ref.operation)}`;
    if (this.#hostcall?.hook !== intent.ref.hook || this.#hostcall?.call !== call) {
      return `no hostcall \`${call}\` of hook \`${name}\` comes before it`;
    }
    return { intent, boundary: undefined, call: undefined };
  }

  /** Why a boundary cannot be the receipt of an intent that it is about. */
  #letThrough(intent: IntentSeen, boundary: BoundarySeen): string | undefined {
    if (boundary.decision === "block") return `its receipt names seq ${boundary.seq}, which blocked`;
    const before = this.#boundaries.use(boundary, intent);
    if (before === undefined) return undefined;
    // A child that paused is taken up again under the receipt that let it start.
    const again = intent.ref.again;
    if (typeof again === "number" && before.ref.call === intent.ref.call && before.kind === intent.kind)
      return undefined;
    return `its receipt was used before, by seq ${before.seq}`;
  }
}

function unlike(_: IntentSeen, { seq, phase }: BoundarySeen, expected: string): string {
  return `its receipt names seq ${seq}, a boundary of \`${phase}\`, expected one of ${expected}`;
}

/** Whether an input changes the world, so that an intent must come before it. */
function isEffect({ entry: { kind, body } }: RecordedEntry): boolean {
  if (kind === "input.model" || kind === "input.tool") return true;
  return kind === "input.file" && WRITES.includes(String(refOf(body).operation));
}

function listed(pending: readonly Announced[]): string {
  return pending.map(({ intent }) => `seq ${intent.seq}`).join(", ");
}
