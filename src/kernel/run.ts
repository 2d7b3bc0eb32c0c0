import type { ApprovalRules } from "../model/approval.ts";
import type { Control, Journal } from "../model/entry.ts";
import { isJsonObject, type Json, type JsonObject } from "../model/json.ts";
import type { ModelPort, ModelSettings, ToolDescription } from "../model/message.ts";
import type { Common, Limits, Usage } from "../model/payload.ts";
import type { CapsuleKind, Phase, RunState } from "../model/phase.ts";
import type { ToolBox } from "../model/tool.ts";
import { Approvals } from "./approvals.ts";
import { type Boundary, type BoundaryQuestion, inherit, transition } from "./boundary.ts";
import { Context, type ContextBudget } from "./context.ts";
import { attempt, waits, wake } from "./control.ts";
import type { Leases } from "./leases.ts";
import { declarePermission, type PermissionPort } from "./permission.ts";
import { type Capsules, Counters, Halt, isFinal, Rest } from "./state.ts";
import { step } from "./step.ts";

/** What is fixed before a run starts: all of it pinned by the blueprint or inherited from the parent. */
export interface RunSpec {
  readonly run: string;
  readonly agent: Common["agent"];
  readonly system: string;
  readonly model: { readonly provider: string; readonly id: string };
  readonly settings: ModelSettings;
  readonly tools: readonly ToolDescription[];
  readonly limits: Limits;
  readonly context: ContextBudget;
  /** 0 for a run that a person started, 1 for its child, … */
  readonly depth: number;
}

/** What the world says at the start; sealed in the first entry. */
export interface Start {
  readonly [key: string]: Json;
  readonly goal: string;
  readonly workspace: string;
  /** Path of the blueprint file; null for a child, whose blueprint is pinned by its parent's. Never read again to run it. */
  readonly file: string | null;
  /** 32 bytes, hex: the root of all randomness that guests see. */
  readonly seed: string;
  readonly capsules: JsonObject;
}

function isStart(json: Json): boolean {
  if (!isJsonObject(json)) return false;
  const { goal, workspace, file, seed, capsules } = json;
  const texts = [goal, workspace, seed, file ?? ""];
  return texts.every((text) => typeof text === "string") && isJsonObject(capsules);
}

/** The pipeline as the kernel sees it; one for each level of calls that hooks request. */
export interface Gates {
  dispatch<P extends Exclude<Phase, "audit">>(question: BoundaryQuestion<P>): Promise<Boundary<P>>;
}

export interface RunPorts {
  readonly journal: Journal;
  readonly model: ModelPort;
  readonly tools: ToolBox;
  readonly permission: PermissionPort;
  readonly gates: (level: number) => Gates;
  /** Loads the hooks; their randomness comes from `seed`. */
  readonly loadHooks: (seed: string) => Promise<void>;
  readonly rearm: (hook: string) => boolean;
  /** Takes back the directory handles of a hook and gives it none any more. */
  readonly revoke: (hook: string) => void;
  readonly leases: Leases;
  readonly start: () => Promise<Start>;
  readonly approvals: ApprovalRules;
  /** Goes on with a child that paused, until it rests again; what `agent.spawn` would have answered. */
  readonly resumeChild: (run: string, signal: AbortSignal) => Promise<JsonObject>;
}

export interface RunResult {
  readonly state: RunState;
  readonly reason: string;
  readonly result: string;
  readonly usage: Usage;
  readonly blocked: number;
  readonly redactions: number;
}

/** A run in the making: its spec, its ports and everything that changes. */
export class Run {
  /** Replaced only where the permission narrows. */
  spec: RunSpec;
  readonly ports: RunPorts;
  readonly counters = new Counters();
  readonly capsules: Capsules = new Map();
  readonly context: Context;
  readonly approvals: Approvals;
  readonly callIds = new Set<string>();
  state: RunState = "pending";
  reason = "";
  goal = "";
  /** The last text of the agent that was let through. */
  result = "";
  /** Set where a boundary inside a hook's call was not audited; the run pauses as soon as the outer one is done. */
  pauseWhy: string | undefined;
  /** What people asked for while a hook was at work, for the next boundary. */
  readonly asked: Control[] = [];
  /** Hooks that ceased to be trusted while they were at work; a run is resumed only when all are trusted again. */
  readonly distrusted = new Set<string>();

  constructor(spec: RunSpec, ports: RunPorts) {
    this.spec = spec;
    this.ports = ports;
    this.context = new Context(spec.context);
    this.approvals = new Approvals({ run: spec.run, rules: ports.approvals, journal: ports.journal });
  }

  get journal(): Journal {
    return this.ports.journal;
  }

  /** What is in every payload. */
  common(): Common {
    return { agent: this.spec.agent, step: this.counters.steps, usage: this.counters.usage(this.journal.ran()) };
  }

  capsuleTexts(): Record<string, string> {
    return Object.fromEntries([...this.capsules].map(([kind, capsule]) => [kind, capsule.text]));
  }
  capsuleValues(): Partial<Record<CapsuleKind, Json>> {
    return Object.fromEntries([...this.capsules].map(([kind, capsule]) => [kind, capsule.value]));
  }
}

/**
 * Runs until the run ends or pauses. Everything nondeterministic goes through `ports.journal`, so the same function
 * serves live, resumed and replayed runs. Rejects with the journal's errors only.
 */
export async function execute(run: Run): Promise<RunResult> {
  await untilItRests(run);
  if (isFinal(run.state)) {
    run.journal.check("check.end", {
      state: run.state,
      reason: run.reason,
      usage: { ...usage(run) },
      result: run.result,
    });
  }
  await run.journal.durable();
  const { state, reason, result } = run;
  return {
    state,
    reason,
    result,
    usage: usage(run),
    blocked: run.counters.blocked,
    redactions: run.counters.redactions,
  };
}

async function untilItRests(run: Run): Promise<void> {
  try {
    await attempt(run, () => begin(run));
    while (run.state === "running" || (waits(run) && (await wake(run)))) {
      await attempt(run, () => step(run));
    }
  } catch (error) {
    if (!(error instanceof Rest)) throw error;
  }
}

async function begin(run: Run): Promise<void> {
  const start = await run.journal.input({
    kind: "input.start",
    ref: { run: run.spec.run, depth: run.spec.depth },
    request: null,
    fits: isStart,
    perform: run.ports.start,
  });
  if (start.kind !== "ok") throw new Halt("failed", "the run could not be started");
  run.goal = start.value.goal;
  inherit(run, start.value.capsules);
  declarePermission(run);
  await run.ports.loadHooks(start.value.seed);
  run.ports.leases.begin();
  await transition(run, "running", "started");
}

function usage(run: Run): Usage {
  return run.counters.usage(run.journal.ran());
}
