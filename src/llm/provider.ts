import type { OpenAIProvider } from "@ai-sdk/openai";
import { InputError } from "../model/errors.ts";

/** What the AI SDK's packages have in common: one model that is asked with `doGenerate`. */
export type LanguageModel = ReturnType<OpenAIProvider["responses"]>;

export interface OpenOptions {
  readonly model: string;
  readonly baseURL: string;
  readonly apiKey: string | undefined;
  readonly fetch: typeof globalThis.fetch;
  /** Ids for calls to which the provider gives none. */
  readonly generateId: () => string;
}

interface Adapter {
  /** Environment variables that hold the key and the address. */
  readonly keyVariable: string;
  readonly keyRequired: boolean;
  readonly addressVariable: string;
  /** The provider's own address; `undefined` when there is none and one must be named. */
  readonly address: string | undefined;
  /** What is appended to an address that names a host only. */
  readonly path: string;
  open(options: OpenOptions): Promise<LanguageModel>;
}

/** Providers behind HTTP. The packages are loaded when the first request needs them. */
export const ADAPTERS = {
  openai: {
    keyVariable: "OPENAI_API_KEY",
    keyRequired: true,
    addressVariable: "OPENAI_BASE_URL",
    address: "https://api.openai.com/v1",
    path: "/v1",
    async open({ model, apiKey, baseURL, fetch }) {
      const { createOpenAI } = await import("@ai-sdk/openai");
      return createOpenAI({ apiKey: apiKey ?? "", baseURL, fetch }).responses(model);
    },
  },
  anthropic: {
    keyVariable: "ANTHROPIC_API_KEY",
    keyRequired: true,
    addressVariable: "ANTHROPIC_BASE_URL",
    address: "https://api.anthropic.com/v1",
    path: "/v1",
    async open({ model, apiKey, baseURL, fetch, generateId }) {
      const { createAnthropic } = await import("@ai-sdk/anthropic");
      return createAnthropic({ apiKey: apiKey ?? "", baseURL, fetch, generateId }).languageModel(model);
    },
  },
  google: {
    keyVariable: "GOOGLE_GENERATIVE_AI_API_KEY",
    keyRequired: true,
    addressVariable: "GOOGLE_GENERATIVE_AI_BASE_URL",
    address: "https://generativelanguage.googleapis.com/v1beta",
    path: "/v1beta",
    async open({ model, apiKey, baseURL, fetch, generateId }) {
      const { createGoogle } = await import("@ai-sdk/google");
      return createGoogle({ apiKey: apiKey ?? "", baseURL, fetch, generateId }).languageModel(model);
    },
  },
  "openai-compatible": {
    keyVariable: "OPENAI_COMPATIBLE_API_KEY",
    keyRequired: false,
    addressVariable: "OPENAI_COMPATIBLE_BASE_URL",
    address: undefined,
    path: "/v1",
    async open({ model, apiKey, baseURL, fetch }) {
      const { createOpenAICompatible } = await import("@ai-sdk/openai-compatible");
      const key = apiKey === undefined ? {} : { apiKey };
      return createOpenAICompatible({ name: "openai-compatible", baseURL, fetch, ...key }).chatModel(model);
    },
  },
} as const satisfies Record<string, Adapter>;

/** A provider behind HTTP. */
/** Environment variables that hold keys. */
export const KEY_VARIABLES: readonly string[] = Object.values(ADAPTERS).map(({ keyVariable }) => keyVariable);

export type RemoteProvider = keyof typeof ADAPTERS;
/** Everything that a blueprint may name as `runtime.adapter`. */
export type Provider = RemoteProvider | "scripted";

export const PROVIDERS: readonly Provider[] = ["scripted", "openai", "anthropic", "google", "openai-compatible"];

export function isProvider(name: string): name is Provider {
  return PROVIDERS.some((provider) => provider === name);
}

/**
 * Reads `<provider>:<model id>`, as `--model` takes it; the id may itself contain colons.
 * Throws `InputError`.
 */
export function parseModel(text: string): { readonly provider: Provider; readonly model: string } {
  const colon = text.indexOf(":");
  const provider = text.slice(0, Math.max(colon, 0));
  const model = text.slice(colon + 1).trim();
  if (!isProvider(provider) || model === "") {
    throw new InputError({
      code: "bad-model",
      message: `\`${text}\` is not a model: expected \`<provider>:<model id>\` with one of the providers ${PROVIDERS.map((name) => `\`${name}\``).join(", ")}`,
      hint: "for example `anthropic:claude-sonnet-4-5`",
    });
  }
  return { provider, model };
}
