import { canonicalJson } from "../model/canonical.ts";
import type { InputSpec, Outcome } from "../model/entry.ts";
import { isJsonObject, type Json, type JsonObject } from "../model/json.ts";
import type { ToolCall } from "../model/message.ts";
import type { CallFacts, PostTool, PreTool, Spawn } from "../model/payload.ts";
import type { ToolSpec } from "../model/tool.ts";
import { ask, type Boundary, type BoundaryQuestion } from "./boundary.ts";
import { awaitChild } from "./child.ts";
import { approved, obey } from "./control.ts";
import { announced, type Ready, within } from "./effect.ts";
import {
  delegatedIn,
  leasedPayload,
  noteLeases,
  performLeased,
  permitted,
  spend,
  stillLeased,
  takeLeases,
} from "./leased.ts";
import type { Run } from "./run.ts";
import { Halt } from "./state.ts";

/** Where a call comes from: the model, or a hook one or two levels down. */
export interface Origin {
  readonly name: string;
  readonly level: number;
}
const MODEL: Origin = { name: "model", level: 0 };

/** A call that passed its gates and may now happen, or the reason why it may not. */
export type Admitted = ({ readonly kind: "ready" } & Ready) | { readonly kind: "refused"; readonly reason: string };

/** It needs an approval, and others are to be done before it may wait for one. */
interface Waits {
  readonly kind: "waits";
}

/**
 * Makes the calls of one turn. Consecutive calls that only read are gated together and run together; every other call
 * is a group of its own. Whatever stops the run on the way, every call has an answer in the conversation.
 */
export async function act(run: Run, calls: readonly ToolCall[]): Promise<void> {
  const told = new Set<ToolCall>();
  const tell: Tell = (call, ok, text) => {
    told.add(call);
    run.context.add({ role: "tool", call: call.id, tool: call.tool, ok, text: run.context.result(text) });
  };
  try {
    for (const group of inGroups(run, calls)) await callTogether(run, group, tell);
  } finally {
    for (const call of calls) if (!told.has(call)) tell(call, false, "not known: the run stopped here");
  }
}

function inGroups(run: Run, calls: readonly ToolCall[]): readonly (readonly ToolCall[])[] {
  const groups: ToolCall[][] = [];
  let reading = false;
  for (const call of calls) {
    const readOnly = run.ports.tools.get(call.tool)?.readOnly === true;
    if (readOnly && reading) groups.at(-1)?.push(call);
    else groups.push([call]);
    reading = readOnly;
  }
  return groups;
}

/**
 * Gates the calls in order, runs them together, and hands what came of each past `post-tool`, in order. A call that waits for a person
 * waits alone: those before it are run first, so that none of them waits with what was read for it long ago.
 */
async function callTogether(run: Run, calls: readonly ToolCall[], tell: Tell): Promise<void> {
  for (let rest = calls; rest.length > 0; ) {
    const admitted: Admitted[] = [];
    for (const call of rest) {
      await obey(run);
      const admission = await admit(run, call, MODEL, { mayWait: admitted.length === 0 });
      if (admission.kind === "waits") break;
      admitted.push(admission);
      stopIfUnaudited(run);
    }
    for (const [i, admission] of admitted.entries()) admitted[i] = stillLeased(run, admission);
    await carryOut(run, rest, admitted, tell);
    rest = rest.slice(admitted.length);
  }
}

type Tell = (call: ToolCall, ok: boolean, text: string) => void;

/** `admitted` are those of the first of `calls`. */
async function carryOut(
  run: Run,
  calls: readonly ToolCall[],
  admitted: readonly Admitted[],
  tell: Tell,
): Promise<void> {
  const outcomes = await perform(run, admitted);
  for (const [i, call] of calls.entries()) {
    // What has happened is told before anything else: a control waits until it is.
    const admission = admitted[i];
    const performed = outcomes[i];
    if (admission?.kind === "refused") tell(call, false, admission.reason);
    if (admission?.kind !== "ready" || performed === undefined) continue;
    const outcome = spend(run, admission, await awaitChild(run, admission, performed));
    const { ok, text } = await settle(run, admission.facts, outcome, MODEL);
    stopIfUnaudited(run);
    tell(call, ok, text);
    if (outcome.kind === "unknown")
      throw new Halt("paused", `outcome unknown: the run crashed during \`${call.tool}\``);
  }
}

function stopIfUnaudited(run: Run): void {
  if (run.pauseWhy !== undefined) throw new Halt("paused", run.pauseWhy);
}

/** A call that a hook requests: the same gates with fresh instances, one level down. Its answer is JSON text or a reason. */
export async function callForHook(
  run: Run,
  request: { readonly hook: string; readonly tool: string; readonly arguments: Json; readonly level: number },
): Promise<{ readonly ok: Json } | { readonly error: string }> {
  const origin: Origin = { name: `hook:${request.hook}`, level: request.level };
  const id = `hook_${run.counters.steps}_${run.counters.toolCalls + 1}`;
  const call = { id, tool: request.tool, arguments: request.arguments };
  const admission = await admit(run, call, origin, { mayWait: true });
  if (admission.kind !== "ready") return { error: admission.kind === "refused" ? admission.reason : "it waits" };
  const [outcome] = await perform(run, [admission]);
  if (outcome === undefined) return { error: "it was not run" };
  const told = await settle(run, admission.facts, outcome, origin);
  if (outcome.kind === "unknown") run.pauseWhy ??= `outcome unknown: the run crashed during \`${request.tool}\``;
  return told.ok ? { ok: JSON.parse(told.text) as Json } : { error: told.text };
}

async function admit(
  run: Run,
  call: ToolCall,
  origin: Origin,
  { mayWait }: { readonly mayWait: boolean },
): Promise<Admitted | Waits> {
  run.counters.toolCalls += 1;
  const spec = run.ports.tools.get(call.tool);
  const wrong = whatIsWrong(run, call, spec);
  if (spec === undefined || wrong !== undefined || !isJsonObject(call.arguments)) {
    return refuse(run, call, origin, wrong ?? "its arguments are not an object");
  }
  const facts: CallFacts = {
    id: call.id,
    tool: call.tool,
    taxon: spec.taxon,
    readOnly: spec.readOnly,
    idempotency: spec.idempotency,
    arguments: call.arguments,
    origin: origin.name,
  };
  const question = async (before?: Boundary<"pre-tool">): Promise<BoundaryQuestion<"pre-tool">> => {
    const resolution = await resolve(run, facts, before);
    noteLeases(run, facts, resolution);
    return {
      phase: "pre-tool",
      subject: `${call.id} ${call.tool}`,
      payload: leasedPayload(run, { ...run.common(), call: facts, resolution }),
      permit: (payload) => permitted(run, payload),
      invalid: (payload) => invalidCall(run, facts, payload),
      revise: async (payload) =>
        leasedPayload(run, { ...payload, resolution: await resolve(run, payload.call, before) }),
    };
  };
  const gated = mayWait ? await approved(run, question, origin.level) : await ask(run, await question(), origin.level);
  if (gated.pending !== undefined && !mayWait) {
    // It is called when its turn comes.
    run.counters.toolCalls -= 1;
    return { kind: "waits" };
  }
  if (gated.decision === "block") return { kind: "refused", reason: `blocked: ${gated.reason}` };
  const { call: allowed, resolution: resolved } = gated.payload;
  const ready = { resolution: resolved, receipt: gated.receipt, action: gated.action };
  return takeLeases(
    run,
    allowed.tool === "agent.spawn"
      ? await admitChild(run, allowed, ready, origin)
      : { kind: "ready", facts: allowed, ...ready },
  );
}

/** A child run passes the phase `spawn` as well; its receipt is that of the spawn. */
async function admitChild(run: Run, facts: CallFacts, gated: Omit<Ready, "facts">, origin: Origin): Promise<Admitted> {
  const { resolution } = gated;
  // Without a child there is nothing to spawn; performing the call will say why.
  if (!isJsonObject(resolution.child)) return { kind: "ready", facts, ...gated };
  const { limits } = run.spec;
  const depth = run.spec.depth + 1;
  if (depth > limits.spawnDepth || run.counters.spawned >= limits.spawnCount) {
    const over =
      depth > limits.spawnDepth
        ? { limit: "spawnDepth", allowed: limits.spawnDepth, used: depth }
        : { limit: "spawnCount", allowed: limits.spawnCount, used: run.counters.spawned + 1 };
    run.journal.check("check.limit", over);
    run.counters.blocked += 1;
    return {
      kind: "refused",
      reason: `blocked: limit \`${over.limit}\` allows ${over.allowed}, this would be ${over.used}`,
    };
  }
  const spawn = await approved<"spawn">(
    run,
    () => ({
      phase: "spawn",
      subject: `${facts.id} ${facts.tool}`,
      payload: { ...run.common(), ...childOf(run, facts, resolution, depth) },
      invalid: ({ goal, ...claimed }) => {
        const { agent: _, step: __, usage: ___, ...spawn } = claimed;
        const { goal: ____, ...fixed } = childOf(run, facts, resolution, depth);
        if (canonicalJson(spawn) !== canonicalJson(fixed)) return "it changes more of the spawn than its goal";
        return run.ports.tools.invalidArguments({ tool: facts.tool, arguments: { ...facts.arguments, goal } });
      },
    }),
    origin.level,
  );
  if (spawn.decision === "block") return { kind: "refused", reason: `blocked: ${spawn.reason}` };
  run.counters.spawned += 1;
  return {
    kind: "ready",
    facts: { ...facts, arguments: { ...facts.arguments, goal: spawn.payload.goal } },
    resolution,
    receipt: spawn.receipt,
    action: spawn.action,
  };
}

function childOf(
  run: Run,
  facts: CallFacts,
  resolution: JsonObject,
  depth: number,
): Pick<Spawn, "call" | "child" | "goal" | "depth" | "spawned"> {
  return {
    call: facts.id,
    child: resolution.child as unknown as Spawn["child"],
    goal: String(facts.arguments.goal),
    depth,
    spawned: run.counters.spawned,
  };
}

function whatIsWrong(run: Run, call: ToolCall, spec: ToolSpec | undefined): string | undefined {
  if (spec === undefined) {
    return `there is no tool \`${call.tool}\`; there are ${run.spec.tools.map((tool) => `\`${tool.name}\``).join(", ")}`;
  }
  if (call.arguments === undefined) return "its arguments are not JSON";
  if (run.counters.toolCalls > run.spec.limits.toolCalls)
    return `limit \`toolCalls\` allows ${run.spec.limits.toolCalls}`;
  return run.ports.tools.invalidArguments({ tool: call.tool, arguments: call.arguments });
}

/** What the model wrote was let through by post-receive; what a hook wrote was let through by nobody, so it is only committed to. */
function refuse(run: Run, call: ToolCall, origin: Origin, reason: string): Admitted {
  const said =
    origin.level === 0
      ? { reason }
      : { reason: "a hook asked for it in a way that does not fit", detail: run.journal.commitment(reason) };
  const tool = run.ports.tools.get(call.tool)?.name ?? (origin.level === 0 ? call.tool : "unknown");
  run.journal.check("check.refused", { step: run.counters.steps, call: call.id, tool, origin: origin.name, ...said });
  run.counters.blocked += 1;
  return { kind: "refused", reason: `refused: ${reason}` };
}

/** Transformers of pre-tool may change arguments, not what the call is; and what they make must still fit the tool. */
function invalidCall(run: Run, facts: CallFacts, payload: PreTool): string | undefined {
  const { arguments: _, ...fixed } = facts;
  const { arguments: changed, ...claimed } = payload.call;
  if (canonicalJson(fixed) !== canonicalJson(claimed)) return "it changes more of the call than its arguments";
  return run.ports.tools.invalidArguments({ tool: facts.tool, arguments: changed });
}

/** `before`: the same call as it was resolved when it had to wait; what may differ from one look to the next is looked at no more. */
async function resolve(run: Run, facts: CallFacts, before?: Boundary<"pre-tool">): Promise<JsonObject> {
  const request = requestOf(facts);
  const earlier = before?.payload;
  const same = earlier !== undefined && canonicalJson(requestOf(earlier.call)) === canonicalJson(request);
  const outcome = await run.journal.input<JsonObject>({
    kind: "input.resolve",
    ref: { call: facts.id, tool: facts.tool },
    request,
    perform: (signal) => run.ports.tools.resolve(request, within(run, signal), same ? earlier.resolution : undefined),
  });
  // What could not be resolved is data for the gates; performing it will refuse.
  return outcome.kind === "ok"
    ? outcome.value
    : { error: outcome.kind === "error" ? outcome.message : "outcome unknown" };
}

async function perform(run: Run, admitted: readonly Admitted[]): Promise<(Outcome | undefined)[]> {
  const ready = admitted.filter((admission) => admission.kind === "ready");
  const outcomes = await run.journal.inputs(
    ready.map(({ facts, resolution, receipt, action, leases }): InputSpec<Json> => {
      const request = requestOf(facts);
      return {
        kind: "input.tool",
        ref: { call: facts.id, tool: facts.tool },
        request: { ...request, resolution, ...delegatedIn(leases) },
        effect: { receipt, clear: announced(facts, action), idempotent: facts.idempotency === "idempotent" },
        perform: (signal) =>
          performLeased(leases, within(run, signal), (limited) =>
            run.ports.tools.perform(request, resolution, limited, leases),
          ),
      };
    }),
  );
  return admitted.map((admission) => (admission.kind === "ready" ? outcomes[ready.indexOf(admission)] : undefined));
}

/** The result on its way to the agent: past `post-tool`, where it may be redacted or withheld. */
async function settle(
  run: Run,
  facts: CallFacts,
  outcome: Outcome,
  origin: Origin,
): Promise<{ readonly ok: boolean; readonly text: string }> {
  const answer = await approved<"post-tool">(
    run,
    () => ({
      phase: "post-tool",
      subject: `${facts.id} ${facts.tool}`,
      payload: { ...run.common(), call: facts, result: resultOf(outcome) },
      invalid: ({ call }) => (canonicalJson(call) === canonicalJson(facts) ? undefined : "it changes the call"),
    }),
    origin.level,
  );
  if (answer.decision === "block") return { ok: false, text: `result withheld: ${answer.reason}` };
  const { result } = answer.payload;
  return result.ok
    ? { ok: true, text: canonicalJson(result.value) }
    : { ok: false, text: `${result.code}: ${result.message}` };
}

function resultOf(outcome: Outcome): PostTool["result"] {
  switch (outcome.kind) {
    case "ok":
      return { ok: true, value: outcome.value };
    case "error":
      return { ok: false, code: outcome.code, message: outcome.message };
    case "unknown":
      return {
        ok: false,
        code: "outcome-unknown",
        message: "the run crashed during this call; it may or may not have happened",
      };
  }
}

function requestOf(facts: CallFacts): { readonly tool: string; readonly arguments: JsonObject } {
  return { tool: facts.tool, arguments: facts.arguments };
}
