import { isJsonObject, type Json, type JsonObject } from "./json.ts";

/** A tool call as the model asked for it. `arguments` is absent when what the model wrote is not JSON; `raw` is then its text. */
export type ToolCall = {
  readonly id: string;
  readonly tool: string;
  readonly arguments?: Json;
  readonly raw?: string;
};

/** One message of the conversation, in the neutral form that hooks, journal and providers share. */
export type Message =
  | { readonly role: "user"; readonly text: string }
  | { readonly role: "assistant"; readonly text: string; readonly toolCalls: readonly ToolCall[] }
  | {
      readonly role: "tool";
      readonly call: string;
      readonly tool: string;
      readonly ok: boolean;
      /** The result as text: canonical JSON of the tool's value, or the reason why there is none. */
      readonly text: string;
    };

/** A tool as it is shown to the model. Names may contain dots; a provider that forbids them maps them one to one. */
export interface ToolDescription {
  readonly name: string;
  readonly description: string;
  readonly inputSchema: JsonObject;
}

export interface ModelRequest {
  /** The step that asks, from 1. Providers ignore it; `scripted` uses it to find its turn. */
  readonly step: number;
  readonly provider: string;
  readonly model: string;
  readonly system: string;
  readonly messages: readonly Message[];
  readonly tools: readonly ToolDescription[];
  readonly settings: ModelSettings;
}

export type ModelSettings = {
  readonly temperature?: number;
  readonly maxOutputTokens?: number;
};

export type Tokens = {
  readonly input: number;
  readonly output: number;
};

export type ModelAnswer = {
  readonly text: string;
  readonly toolCalls: readonly ToolCall[];
  readonly tokens: Tokens;
  readonly finish: "stop" | "tool-calls" | "length" | "content-filter" | "other";
};

/** Whether a value that was kept has the form of an answer; a live one is checked where it arrives. */
export function isModelAnswer(json: Json): boolean {
  if (!isJsonObject(json) || !isJsonObject(json.tokens) || !Array.isArray(json.toolCalls)) return false;
  const { text, finish, tokens, toolCalls } = json;
  const named = toolCalls.every(
    (call: Json) => isJsonObject(call) && typeof call.id === "string" && typeof call.tool === "string",
  );
  const counted = typeof tokens.input === "number" && typeof tokens.output === "number";
  return named && counted && typeof text === "string" && typeof finish === "string";
}

/**
 * The one small port to language models. `complete` does timeouts, retries with back-off and cancellation itself.
 * Throws `WorldError` (provider unreachable, refused, nonsense) or `InputError` (no key, unknown provider);
 * no message of such an error contains a key.
 */
export interface ModelPort {
  complete(request: ModelRequest, signal: AbortSignal): Promise<ModelAnswer>;
}
