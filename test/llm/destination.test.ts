import { expect, test } from "vitest";
import { destinationOf } from "../../src/llm/destination.ts";
import { createModel } from "../../src/llm/model.ts";
import { parseModel } from "../../src/llm/provider.ts";
import { KEY, never, REMOTE, requestOf } from "./providers.ts";

test.each([
  ["openai", "OPENAI_API_KEY"],
  ["anthropic", "ANTHROPIC_API_KEY"],
  ["google", "GOOGLE_GENERATIVE_AI_API_KEY"],
] as const)("%s without a key names the variable to set, before any request", (provider, variable) => {
  for (const env of [{}, { [variable]: "  " }]) {
    expect(() => createModel({ provider, model: "m", timeoutMs: 1, retries: 0 }, { env })).toThrow(
      expect.objectContaining({
        name: "InputError",
        code: "no-key",
        message: expect.stringContaining(`\`${variable}\``),
      }),
    );
  }
});

test("a server that speaks like OpenAI needs no key, but an address", () => {
  expect(destinationOf({ provider: "openai-compatible", baseUrl: "http://10.0.0.7:8000/v1" }, {})).toEqual({
    baseURL: "http://10.0.0.7:8000/v1",
    apiKey: undefined,
  });
  expect(() => destinationOf({ provider: "openai-compatible" }, {})).toThrow(
    expect.objectContaining({ code: "no-address" }),
  );
});

test("takes the configured address before that of the environment before the provider's own", () => {
  const env = { OPENAI_API_KEY: KEY, OPENAI_BASE_URL: "http://127.0.0.1:1/x/" };
  expect(destinationOf({ provider: "openai", baseUrl: "http://localhost:2" }, env).baseURL).toBe(
    "http://localhost:2/v1",
  );
  expect(destinationOf({ provider: "openai" }, env).baseURL).toBe("http://127.0.0.1:1/x");
  expect(destinationOf({ provider: "openai" }, { OPENAI_API_KEY: KEY }).baseURL).toBe("https://api.openai.com/v1");
  expect(
    destinationOf({ provider: "google", baseUrl: "http://[::1]:3" }, { GOOGLE_GENERATIVE_AI_API_KEY: KEY }),
  ).toEqual({
    baseURL: "http://[::1]:3/v1beta",
    apiKey: KEY,
  });
});

test.each(REMOTE)("X1 a blueprint cannot send the key of $provider where it likes", ({ provider }) => {
  const names = {
    openai: "OPENAI",
    anthropic: "ANTHROPIC",
    google: "GOOGLE_GENERATIVE_AI",
    "openai-compatible": "OPENAI_COMPATIBLE",
  };
  const env = { [`${names[provider]}_API_KEY`]: KEY };
  for (const host of ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "10.0.0.1", "0x7f.example"]) {
    const baseUrl = `https://${host}/v1`;
    expect(() => destinationOf({ provider, baseUrl }, env)).toThrow(
      expect.objectContaining({ name: "InputError", code: "key-destination" }),
    );
    const allowed = { ...env, [`${names[provider]}_BASE_URL`]: `https://${host}` };
    expect(destinationOf({ provider, baseUrl }, allowed)).toEqual({ baseURL: baseUrl, apiKey: KEY });
  }
});

test.each(["ftp://host", "file:///etc", "http://user:pass@host", "http://host?x=1", "http://host#x", "host:80", ""])(
  "refuses `%s` as an address and does not repeat it",
  (baseUrl) => {
    const run = () => destinationOf({ provider: "openai-compatible", baseUrl }, {});
    expect(run).toThrow(expect.objectContaining({ name: "InputError", code: "bad-address" }));
    expect(run).not.toThrow(/pass@/);
  },
);

test("a request for another model than the configured one is refused, whoever changed it", async () => {
  const config = { provider: "openai", model: "gpt-4o", timeoutMs: 1, retries: 0 } as const;
  const port = createModel(config, { env: { OPENAI_API_KEY: KEY } });
  for (const other of [{ provider: "anthropic", model: "gpt-4o" }, { model: "gpt-4o-mini" }]) {
    await expect(port.complete(requestOf(other), never())).rejects.toMatchObject({
      name: "InputError",
      code: "other-model",
    });
  }
});

test("X1 a key that no header could carry is refused without being shown", () => {
  const env = { OPENAI_API_KEY: "sk-first\nsk-second" };
  expect(() => destinationOf({ provider: "openai" }, env)).toThrow(expect.objectContaining({ code: "bad-key" }));
  expect(() => destinationOf({ provider: "openai" }, env)).not.toThrow(/sk-/);
});

test.each([
  ["anthropic:claude-sonnet-4-5", "anthropic", "claude-sonnet-4-5"],
  ["openai-compatible:qwen3:8b", "openai-compatible", "qwen3:8b"],
  ["scripted:reviewer-script", "scripted", "reviewer-script"],
])("reads the model `%s`", (text, provider, model) => {
  expect(parseModel(text)).toEqual({ provider, model });
});

test.each(["gpt-4o", "openai:", ":gpt-4o", "mistral:large", "toString:x", ""])("refuses the model `%s`", (text) => {
  expect(() => parseModel(text)).toThrow(expect.objectContaining({ name: "InputError", code: "bad-model" }));
});
