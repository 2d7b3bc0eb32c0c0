import { canonicalJson } from "../../model/canonical.ts";
import { InterruptedError, WorldError } from "../../model/errors.ts";
import type { ModelAnswer, ModelPort, ModelRequest, ToolCall } from "../../model/message.ts";
import { type Act, type Condition, compile, type Turn } from "./compile.ts";
import { Conversation, jsonOf } from "./conversation.ts";
import { select } from "./expression.ts";
import { textOf } from "./filter.ts";
import type { ModelScript } from "./script.ts";
import { QuotationError, renderJson, renderText } from "./template.ts";

const BYTES_PER_TOKEN = 4;

/**
 * A model that plays a script. The turn is found by the request's step, so that it does not matter which messages are
 * still in the conversation; the same request always has the same answer. After the last turn it answers that it has
 * nothing left to do. A token counts as four bytes.
 *
 * Throws `InputError` `bad-script` for a script that cannot work. `complete` throws `WorldError` `script-error` for a
 * quotation of something that is not there, and `InterruptedError` when it was cancelled.
 */
export function createScriptedModel(script: ModelScript): ModelPort {
  const turns = compile(script);
  return {
    async complete(request, signal) {
      if (signal.aborted)
        throw new InterruptedError({ code: "cancelled", message: "the scripted model was cancelled" });
      const turn = turns.find(({ last }) => request.step <= last);
      if (turn === undefined) return answer(request, "The script has no further turns.", []);
      try {
        return play(turn, request);
      } catch (error) {
        if (!(error instanceof QuotationError)) throw error;
        throw new WorldError({
          code: "script-error",
          message: `script \`${script.metadata.name}\`, step ${request.step}, turn ${turns.indexOf(turn) + 1}: ${error.message}`,
          hint: 'quote only what the tools returned, or end the quotation with `| default "…"`',
        });
      }
    },
  };
}

function play(turn: Turn, request: ModelRequest): ModelAnswer {
  const conversation = new Conversation(request);
  const act = turn.cases.find(({ when }) => when === undefined || holds(when, conversation));
  if (act === undefined) throw new QuotationError("no case fits");
  const number = turn.first === turn.last ? "" : `-${request.step - turn.first + 1}`;
  const calls = callsOf(act, conversation, (id, i) => (id === undefined ? `call-${request.step}-${i}` : id + number));
  return answer(request, renderText(act.text, conversation), calls);
}

function callsOf(
  act: Act,
  conversation: Conversation,
  name: (id: string | undefined, index: number) => string,
): readonly ToolCall[] {
  return act.calls.map((call, i) => {
    const facts = { id: name(call.id, i + 1), tool: call.tool };
    return call.arguments.kind === "raw"
      ? { ...facts, raw: call.arguments.text }
      : { ...facts, arguments: renderJson(call.arguments, conversation) };
  });
}

function holds({ result: name, at, ok, contains, equals }: Condition, conversation: Conversation): boolean {
  const result = conversation.result(name);
  if (result === undefined || (ok !== undefined && result.ok !== ok)) return false;
  if (contains === undefined && equals === undefined) return true;
  const found = select(jsonOf(result), at);
  if ("missing" in found) return false;
  if (contains !== undefined && !textOf(found.value).includes(contains)) return false;
  return equals === undefined || canonicalJson(found.value) === canonicalJson(equals);
}

function answer(request: ModelRequest, text: string, toolCalls: readonly ToolCall[]): ModelAnswer {
  const tokens = {
    input: tokensIn([request.system, request.messages, request.tools]),
    output: tokensIn([text, ...toolCalls]),
  };
  return { text, toolCalls, tokens, finish: toolCalls.length === 0 ? "stop" : "tool-calls" };
}

function tokensIn(value: unknown): number {
  return Math.ceil(Buffer.byteLength(JSON.stringify(value)) / BYTES_PER_TOKEN);
}
