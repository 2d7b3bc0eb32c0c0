import { isJsonObject } from "../model/json.ts";
import type { Message, ModelRequest, ToolCall } from "../model/message.ts";
import type { ToolNames } from "./names.ts";
import type { LanguageModel } from "./provider.ts";

type CallOptions = Parameters<LanguageModel["doGenerate"]>[0];
type Prompt = CallOptions["prompt"];
type InputSchema = Extract<NonNullable<CallOptions["tools"]>[number], { type: "function" }>["inputSchema"];

/** The neutral request as the AI SDK's providers take it. */
export function callOptions(request: ModelRequest, names: ToolNames): CallOptions {
  const { temperature, maxOutputTokens } = request.settings;
  return {
    prompt: promptOf(request, names),
    ...(request.tools.length === 0
      ? {}
      : {
          tools: request.tools.map((tool) => ({
            type: "function" as const,
            name: names.toProvider(tool.name),
            description: tool.description,
            inputSchema: tool.inputSchema as InputSchema,
          })),
        }),
    ...(temperature === undefined ? {} : { temperature }),
    ...(maxOutputTokens === undefined ? {} : { maxOutputTokens }),
    // The conversation is ours alone: OpenAI would otherwise keep a copy of every answer.
    providerOptions: { openai: { store: false } },
  };
}

function promptOf({ system, messages }: ModelRequest, names: ToolNames): Prompt {
  const prompt: Prompt = system === "" ? [] : [{ role: "system", content: system }];
  for (const message of messages) {
    const last = prompt.at(-1);
    switch (message.role) {
      case "user":
        prompt.push({ role: "user", content: [{ type: "text", text: message.text }] });
        break;
      case "assistant":
        if (message.text !== "" || message.toolCalls.length > 0) prompt.push(assistant(message, names));
        break;
      case "tool":
        if (last?.role === "tool") last.content.push(toolResult(message, names));
        else prompt.push({ role: "tool", content: [toolResult(message, names)] });
        break;
    }
  }
  return prompt;
}

function assistant({ text, toolCalls }: Extract<Message, { role: "assistant" }>, names: ToolNames): Prompt[number] {
  return {
    role: "assistant",
    content: [
      ...(text === "" ? [] : [{ type: "text" as const, text }]),
      ...toolCalls.map((call) => ({
        type: "tool-call" as const,
        toolCallId: call.id,
        toolName: names.toProvider(call.tool),
        input: inputOf(call),
      })),
    ],
  };
}

/** Providers take objects only; what the model wrote instead is shown to it in one. */
function inputOf({ arguments: value, raw }: ToolCall): unknown {
  return isJsonObject(value) ? value : { invalid: raw ?? value ?? null };
}

function toolResult({ call, tool, ok, text }: Extract<Message, { role: "tool" }>, names: ToolNames) {
  return {
    type: "tool-result" as const,
    toolCallId: call,
    toolName: names.toProvider(tool),
    output: { type: ok ? ("text" as const) : ("error-text" as const), value: text },
  };
}
