import { canonicalJson, digestOf } from "../model/canonical.ts";
import { isModelAnswer, type Message, type ModelAnswer, type ToolCall } from "../model/message.ts";
import type { PostReceive, PreSend } from "../model/payload.ts";
import type { Boundary } from "./boundary.ts";
import { act } from "./calls.ts";
import { boundary, finish, obey } from "./control.ts";
import { within } from "./effect.ts";
import type { Run } from "./run.ts";
import { Halt } from "./state.ts";

/**
 * One turn of the plan-act-observe loop. Every box is the same move: build the payload, ask the chain, act on the
 * verdict. A block before or after the model pauses the run; a block around a tool is told to the agent.
 */
export async function step(run: Run): Promise<void> {
  begin(run);

  const plan = letThrough(
    await boundary(run, () => ({
      phase: "pre-plan",
      subject: `step ${run.counters.steps}`,
      payload: { ...run.common(), goal: run.goal, capsules: run.capsuleValues(), limits: run.spec.limits },
    })),
  );
  run.context.goal(plan.goal);
  trim(run);

  const sending = await boundary(run, () => ({
    phase: "pre-send",
    subject: `${run.spec.model.provider}:${run.spec.model.id}`,
    payload: {
      ...run.common(),
      model: run.spec.model,
      settings: run.spec.settings,
      system: run.spec.system,
      messages: run.context.messages,
      tools: run.spec.tools,
    },
    clear: (payload) => ({ messages: payload.messages.length }),
  }));
  const request = letThrough(sending);

  const answer = await askModel(run, request, sending);
  const spoken = said(run, answer);

  const received = letThrough(
    await boundary(run, () => ({
      phase: "post-receive",
      subject: `${answer.toolCalls.length} tool calls`,
      payload: { ...run.common(), ...spoken },
      invalid: ({ toolCalls }) => {
        const ids = new Set(toolCalls.map(({ id }) => id));
        return ids.size === toolCalls.length && [...ids].every((id) => run.callIds.has(id))
          ? undefined
          : "it changes the ids of calls";
      },
    })),
  );
  run.context.add(messageOf(received));
  run.result = received.text;

  await act(run, received.toolCalls);

  if (received.toolCalls.length === 0) await complete(run, received);
}

/** Counts the step and stops the run where a limit does not allow another. */
function begin(run: Run): void {
  run.counters.stepBegan = run.journal.ran();
  run.counters.steps += 1;
  enforceLimits(run);
}

/** Budget arithmetic is a check; a limit that is exceeded ends the run. */
export function enforceLimits(run: Run): void {
  const over = run.counters.exceeded(run.spec.limits, run.journal.ran());
  if (over === undefined) return;
  run.journal.check("check.limit", over);
  throw new Halt("failed", `limit \`${over.limit}\` exceeded: ${over.used} used, ${over.allowed} allowed`);
}

function letThrough<P extends "pre-plan" | "pre-send" | "post-receive">(answer: Boundary<P>): Boundary<P>["payload"] {
  if (answer.decision === "block") throw new Halt("paused", answer.reason);
  return answer.payload;
}

/** Keeps the conversation within the blueprint's context budget. */
function trim(run: Run): void {
  const trimmed = run.context.trim();
  if (trimmed !== undefined) run.journal.check("check.context", trimmed);
}

async function askModel(run: Run, request: PreSend, sending: Boundary<"pre-send">): Promise<ModelAnswer> {
  const outcome = await run.journal.input<ModelAnswer>({
    kind: "input.model",
    ref: { step: run.counters.steps, model: `${request.model.provider}:${request.model.id}` },
    request: { receipt: sending.receipt },
    // Of what is sent, not of what the boundary says: the two are compared by whoever verifies the recording.
    effect: { receipt: sending.receipt, clear: { digest: digestOf(canonicalJson(request)) }, idempotent: true },
    fits: isModelAnswer,
    perform: (signal) =>
      run.ports.model.complete(
        {
          step: run.counters.steps,
          provider: request.model.provider,
          model: request.model.id,
          system: request.system,
          messages: request.messages,
          tools: request.tools,
          settings: request.settings,
        },
        within(run, signal),
      ),
  });
  if (outcome.kind === "unknown") throw new Halt("paused", "what the model answered before the crash is not known");
  if (outcome.kind === "error") {
    await obey(run);
    enforceLimits(run);
    // What the provider said has passed no hook; it stays sealed.
    throw new Halt(
      "failed",
      `the model gave no answer (${outcome.code}); what it said instead is sealed in the journal`,
    );
  }
  const answer = outcome.value;
  run.counters.inputTokens += answer.tokens.input;
  run.counters.outputTokens += answer.tokens.output;
  enforceLimits(run);
  return answer;
}

/** What the model said, with ids of calls that are safe to use as names and unique in the run. */
function said(run: Run, answer: ModelAnswer): Pick<PostReceive, "text" | "toolCalls" | "finish" | "tokens"> {
  const toolCalls = answer.toolCalls.map((call, i): ToolCall => {
    let id = /^[A-Za-z0-9_-]{1,64}$/.test(call.id) ? call.id : `call_${run.counters.steps}_${i + 1}`;
    for (let n = i + 1; run.callIds.has(id); n++) id = `call_${run.counters.steps}_${n}`;
    run.callIds.add(id);
    return { ...call, id };
  });
  return { text: answer.text, toolCalls, finish: answer.finish, tokens: answer.tokens };
}

function messageOf(received: PostReceive): Message {
  return { role: "assistant", text: received.text, toolCalls: received.toolCalls };
}

/** The agent says that it is done. A veto is told to it, and it goes on. */
async function complete(run: Run, received: PostReceive): Promise<void> {
  if (received.text.trim() === "") throw new Halt("failed", "the model answered with neither text nor tool calls");
  if (received.finish === "length") throw new Halt("failed", "the model's answer was cut off at its output limit");
  let veto: string | undefined = "the run was stopped before it could end";
  try {
    veto = await finish(run, "the agent has finished");
  } finally {
    // A conversation that goes on goes on from the other side.
    if (veto !== undefined) run.context.add({ role: "user", text: `You are not done: ${veto}` });
  }
}
