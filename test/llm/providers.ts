import { createModel, type ModelConfig, type ModelWorld } from "../../src/llm/model.ts";
import type { RemoteProvider } from "../../src/llm/provider.ts";
import type { ModelPort, ModelRequest } from "../../src/model/message.ts";

export const KEY = "sk-proj-Zq8vN3xW5tR7yU2p";

/** Every provider behind HTTP, with a model id that its package knows. */
export const REMOTE: readonly { readonly provider: RemoteProvider; readonly model: string }[] = [
  { provider: "openai", model: "gpt-4o" },
  { provider: "anthropic", model: "claude-sonnet-4-5" },
  { provider: "google", model: "gemini-2.5-flash" },
  { provider: "openai-compatible", model: "qwen3:8b" },
];

export const KEYS = {
  OPENAI_API_KEY: KEY,
  ANTHROPIC_API_KEY: KEY,
  GOOGLE_GENERATIVE_AI_API_KEY: KEY,
  OPENAI_COMPATIBLE_API_KEY: KEY,
};

/** A port to a server on this machine that does not wait between attempts unless told to. */
export function portTo(
  baseUrl: string,
  { provider, model }: { readonly provider: RemoteProvider; readonly model: string },
  options: Partial<ModelConfig> & Partial<ModelWorld> = {},
): ModelPort {
  const { timeoutMs = 5_000, retries = 0, env = KEYS, sleep = () => Promise.resolve(), ...world } = options;
  const port = createModel({ provider, model, baseUrl, timeoutMs, retries }, { env, sleep, ...world });
  return { complete: (request, signal) => port.complete({ ...request, provider, model }, signal) };
}

export function requestOf(parts: Partial<ModelRequest> = {}): ModelRequest {
  return {
    step: 1,
    provider: "openai",
    model: "gpt-4o",
    system: "be brief",
    messages: [{ role: "user", text: "hello" }],
    tools: [],
    settings: {},
    ...parts,
  };
}

export const READ = {
  name: "file.read",
  description: "reads a file",
  inputSchema: {
    type: "object",
    properties: { path: { type: "string" } },
    required: ["path"],
    additionalProperties: false,
  },
};

export function never(): AbortSignal {
  return new AbortController().signal;
}
