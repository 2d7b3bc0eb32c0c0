import type { ModelAnswer, ModelRequest, Tokens, ToolCall } from "../model/message.ts";
import { parseArguments } from "./arguments.ts";
import { nonsense } from "./failure.ts";
import type { ToolNames } from "./names.ts";
import type { LanguageModel } from "./provider.ts";

type Generated = Awaited<ReturnType<LanguageModel["doGenerate"]>>;

const MAX_NAME = 256;

/**
 * What a provider's package made of the answer, in the neutral form: the one place where it is checked.
 * `scrub` takes the key out of every string. Throws `AttemptFailure`.
 */
export function answerOf(
  generated: Generated,
  { request, names, scrub }: { request: ModelRequest; names: ToolNames; scrub: (text: string) => string },
): ModelAnswer {
  const clean = (text: string) => scrub(text.toWellFormed());
  // Joined before it is cleaned: a key may be split over parts.
  const text = clean(generated.content.map((part) => (part.type === "text" ? part.text : "")).join(""));
  const toolCalls = generated.content.flatMap((part): ToolCall[] => {
    if (part.type !== "tool-call") return [];
    const { length } = part.toolName;
    if (length > MAX_NAME) throw nonsense(`a tool name of ${length} characters`);
    const facts = { id: clean(part.toolCallId), tool: clean(names.fromProvider(part.toolName)) };
    return [{ ...facts, ...cleanArguments(part.input, clean) }];
  });
  const finish = finishOf(generated.finishReason.unified, toolCalls.length > 0);
  const silent = text === "" && toolCalls.length === 0;
  if (silent && (finish === "other" || (finish === "stop" && generated.usage.outputTokens.total === undefined))) {
    throw nonsense("neither text nor a tool call, and no reason for it");
  }
  const size = text.length + (toolCalls.length === 0 ? 0 : sizeOf(toolCalls));
  return { text, toolCalls, tokens: tokensOf(generated.usage, request, size), finish };
}

/** Cleaned as written and once more as read, since JSON can spell a key with escapes. */
function cleanArguments(input: string, clean: (text: string) => string): ReturnType<typeof parseArguments> {
  const read = parseArguments(clean(input));
  if ("raw" in read) return read;
  const text = JSON.stringify(read.arguments);
  return clean(text) === text ? read : parseArguments(clean(text));
}

function finishOf(reason: Generated["finishReason"]["unified"], calls: boolean): ModelAnswer["finish"] {
  switch (reason) {
    case "length":
    case "content-filter":
      return reason;
    case "stop":
    case "tool-calls":
      return calls ? "tool-calls" : "stop";
    case "error":
    case "interrupted":
    case "other":
      return calls ? "tool-calls" : "other";
  }
}

/** As the provider counted them. One that does not count must not make a run look free: a token is then four characters. */
function tokensOf(usage: Generated["usage"], request: ModelRequest, answerSize: number): Tokens {
  const input = usage.inputTokens.total || estimate(sizeOf([request.system, request.messages, request.tools]));
  const output = usage.outputTokens.total || estimate(answerSize);
  for (const count of [input, output]) {
    if (!Number.isSafeInteger(count) || count < 0) throw nonsense(`a count of \`${count}\` tokens`);
  }
  return { input, output };
}

function estimate(size: number): number {
  return Math.ceil(size / 4);
}

function sizeOf(value: unknown): number {
  return JSON.stringify(value).length;
}
