import { createServer, type RequestListener, type Server } from "node:http";
import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, test } from "vitest";
import { sleepByTimer } from "../../src/llm/attempts.ts";
import type { RemoteProvider } from "../../src/llm/provider.ts";
import type { JsonObject } from "../../src/model/json.ts";
import type { Message } from "../../src/model/message.ts";
import { KEY, never, portTo, READ, REMOTE, requestOf } from "./providers.ts";

const provider = { provider: "openai-compatible", model: "qwen3:8b" } as const;

/** Faults that the mock server of `model.test.ts` cannot produce. */
let server: Server | undefined;
let seen = 0;
afterEach(async () => {
  server?.closeAllConnections();
  await new Promise<void>((closed) => (server === undefined ? closed() : server.close(() => closed())));
  server = undefined;
  seen = 0;
});

describe.each(REMOTE)("$provider", (provider) => {
  const ask = async (listener: RequestListener, options: Parameters<typeof portTo>[2] = {}) =>
    portTo(await serve(listener), provider, options).complete(requestOf(), never());

  test.each([
    ["a web page", "text/html", "<!doctype html><title>Sign in</title>"],
    ["nothing", "application/json", ""],
    ["a number", "application/json", "42"],
    ["null", "application/json", "null"],
    ["an object of another kind", "application/json", '{"hello":"world"}'],
    ["no choices", "application/json", '{"choices":[],"content":[],"output":[],"candidates":[]}'],
    ["fields of the wrong type", "application/json", '{"choices":7,"content":7,"output":7,"candidates":7}'],
    ["deep nesting", "application/json", "[".repeat(200_000)],
  ])("takes %s for nonsense and does not ask again", async (_what, type, body) => {
    const asked = ask((_request, response) => response.setHeader("content-type", type).end(body), { retries: 3 });
    await expect(asked).rejects.toMatchObject({ name: "WorldError", code: "model-nonsense" });
    expect(seen).toBe(1);
  });

  test("shows where nonsense came from", async () => {
    const asked = ask((_request, response) =>
      response.setHeader("content-type", "text/html").end("<h1>\u001b[2J Hi</h1>"),
    );
    await expect(asked).rejects.toThrow("found text/html, 16 bytes, beginning `<h1> [2J Hi</h1>`");
  });

  test("A3 an answer of more than 8 MiB is not read to its end", async () => {
    let written = 0;
    const asked = ask((_request, response) => {
      const more = () => {
        while (written < 64 * 1024 * 1024 && !response.destroyed) {
          written += 65_536;
          if (!response.write(" ".repeat(65_536))) return void response.once("drain", more);
        }
        response.end();
      };
      more();
    });
    await expect(asked).rejects.toThrow("more than 8388608 bytes");
    expect(written).toBeLessThan(32 * 1024 * 1024);
  });

  test("A3 an answer of more than 8 MiB is not read when it is compressed", async () => {
    const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024, 32));
    const asked = ask((_request, response) => response.setHeader("content-encoding", "gzip").end(bomb));
    await expect(asked).rejects.toThrow("more than 8388608 bytes");
  });

  test("follows no redirect, so that the key stays where it belongs", async () => {
    const asked = ask((_request, response) => response.writeHead(307, { location: "/elsewhere" }).end(), {
      retries: 3,
    });
    await expect(asked).rejects.toMatchObject({ code: "model-refused", message: expect.stringContaining("redirects") });
    expect(seen).toBe(1);
  });

  test("X1 never shows a part of the key where a message is cut", async () => {
    const listener: RequestListener = (_request, response) => {
      response.statusCode = 400;
      response.end(JSON.stringify({ error: { message: `${"x".repeat(290)}${KEY}` } }));
    };
    const page: RequestListener = (_request, response) => response.end(`${"x".repeat(70)}${KEY}`);
    for (const asked of [ask(listener), ask(page)]) {
      const error: unknown = await asked.catch((thrown: unknown) => thrown);
      expect(String(error)).toContain("xxx");
      expect(String(error)).not.toContain(KEY.slice(0, 6));
    }
  });

  test.each([401, 403])(
    "X1 quotes nothing from a %i, where providers like to show a part of the key",
    async (status) => {
      const asked = ask((_request, response) => {
        response.statusCode = status;
        response.end(
          JSON.stringify({ error: { message: `Incorrect API key: ${KEY.slice(0, 12)}***${KEY.slice(-6)}` } }),
        );
      });
      await expect(asked).rejects.toMatchObject({
        code: "model-unauthorized",
        message: expect.stringMatching(new RegExp(`answered ${status}: the key was not accepted$`)),
      });
    },
  );

  test("says that a server is not there", async () => {
    const address = await serve((_request, response) => response.end());
    await new Promise((closed) => server?.close(closed));
    server = undefined;
    await expect(portTo(address, provider, { retries: 2 }).complete(requestOf(), never())).rejects.toMatchObject({
      name: "WorldError",
      code: "model-unreachable",
      message: expect.stringMatching(/could not be reached after 3 attempts: ECONNREFUSED$/),
    });
  });
});

describe("an answer in the right shape", () => {
  const chat = (message: object, usage?: object) => JSON.stringify({ choices: [{ message }], usage });
  const ask = async (body: string) => portTo(await answering(body), provider).complete(requestOf(), never());

  test("does not look free when the server does not count tokens", async () => {
    const content = "x".repeat(4000);
    for (const usage of [undefined, { prompt_tokens: 0, completion_tokens: 0 }]) {
      const { tokens } = await ask(chat({ content }, usage));
      expect(tokens).toEqual({ input: expect.any(Number), output: 1000 });
      expect(tokens.input).toBeGreaterThan(5);
    }
  });

  test.each([-1, 1.5, 1e300])("is nonsense with a count of %d tokens", async (count) => {
    const asked = ask(chat({ content: "x" }, { prompt_tokens: count, completion_tokens: 1 }));
    await expect(asked).rejects.toMatchObject({ code: "model-nonsense" });
  });

  test("A3 is nonsense with a tool name of a thousand characters", async () => {
    const call = { id: "a", type: "function", function: { name: "x".repeat(1000), arguments: "{}" } };
    await expect(ask(chat({ content: null, tool_calls: [call] }))).rejects.toThrow("a tool name of 1000 characters");
  });

  test("X2 hides a key that arguments spell with escapes", async () => {
    const escaped = `\\u${KEY.charCodeAt(0).toString(16).padStart(4, "0")}${KEY.slice(1)}`;
    const call = {
      id: "a",
      type: "function",
      function: { name: "t", arguments: `{"a":"${escaped}","b":"\\ud83d\\ude00"}` },
    };
    const { toolCalls } = await ask(chat({ content: null, tool_calls: [call] }));
    expect(toolCalls).toEqual([{ id: "a", tool: "t", arguments: { a: "[key]", b: "😀" } }]);
  });

  test("loses halves of surrogate pairs, which no journal could hold", async () => {
    const body = chat({ content: "a\ud800b" }).replace("\ud800", "\\ud800");
    expect((await ask(body)).text).toBe("a\ufffdb");
  });
});

describe("over the wire", () => {
  const messages: readonly Message[] = [
    { role: "user", text: "hello" },
    { role: "assistant", text: "", toolCalls: ["a", "b"].map((id) => ({ id, tool: "file.read", arguments: {} })) },
    { role: "tool", call: "a", tool: "file.read", ok: true, text: "one" },
    { role: "tool", call: "b", tool: "file.read", ok: false, text: "denied" },
  ];

  test("OpenAI is told to keep no copy", async () => {
    expect(await sentBy("openai")).toMatchObject({ store: false });
  });

  test("Anthropic gets the results of one turn together, and is told which failed", async () => {
    const { messages: sent } = await sentBy("anthropic");
    expect(sent).toMatchObject([
      { role: "user" },
      { role: "assistant" },
      {
        role: "user",
        content: [
          { type: "tool_result", tool_use_id: "a", content: "one" },
          { type: "tool_result", tool_use_id: "b", content: "denied", is_error: true },
        ],
      },
    ]);
  });

  test("Gemini gets the results of one turn in one turn", async () => {
    const { contents } = await sentBy("google");
    expect(contents).toMatchObject([
      { role: "user" },
      { role: "model" },
      { role: "user", parts: [{ functionResponse: {} }, { functionResponse: {} }] },
    ]);
  });

  async function sentBy(name: RemoteProvider): Promise<JsonObject> {
    let sent = "";
    const address = await serve((request, response) => {
      request.setEncoding("utf8").on("data", (chunk: string) => {
        sent += chunk;
      });
      request.on("end", () => response.writeHead(400).end("{}"));
    });
    const known = REMOTE.find((it) => it.provider === name) ?? provider;
    const asked = portTo(address, known).complete(requestOf({ messages, tools: [READ] }), never());
    await expect(asked).rejects.toMatchObject({ code: "model-refused" });
    return JSON.parse(sent);
  }
});

describe("waiting", () => {
  const busy =
    (headers: Record<string, string>): RequestListener =>
    (_request, response) =>
      void response.writeHead(429, headers).end("{}");

  async function waitsFor(headers: Record<string, string>): Promise<number[]> {
    const waits: number[] = [];
    const sleep = async (ms: number) => void waits.push(ms);
    const port = portTo(await serve(busy(headers)), provider, { retries: 2, sleep, random: () => 0 });
    await expect(port.complete(requestOf(), never())).rejects.toMatchObject({ code: "model-unavailable" });
    return waits;
  }

  test("the waits grow to 20 s and no further", async () => {
    const waits: number[] = [];
    const sleep = async (ms: number) => void waits.push(ms);
    const port = portTo(await serve(busy({})), provider, { retries: 8, sleep, random: () => 1 });
    await expect(port.complete(requestOf(), never())).rejects.toMatchObject({ code: "model-unavailable" });
    expect(waits).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 20_000, 20_000]);
  });

  test.each([
    [{}, [250, 500]],
    [{ "retry-after": "7" }, [7000, 7000]],
    [{ "retry-after": "0" }, [250, 500]],
    [{ "retry-after": "soon" }, [250, 500]],
    [{ "retry-after-ms": "1500", "retry-after": "2" }, [1500, 1500]],
    [{ date: "Fri, 20 Nov 2026 10:00:00 GMT", "retry-after": "Fri, 20 Nov 2026 10:00:09 GMT" }, [9000, 9000]],
    [{ "retry-after": "3600" }, []],
  ])("after 429 with %j it waits %j ms", async (headers, expected) => {
    expect(await waitsFor(headers)).toEqual(expected);
  });

  test("ends at once when it is cancelled between attempts", async () => {
    const controller = new AbortController();
    const started = performance.now();
    const baseUrl = await serve((_request, response) => {
      response.writeHead(429, { "retry-after": "50" }).end("{}");
      setTimeout(() => controller.abort(), 20);
    });
    const port = portTo(baseUrl, provider, { retries: 2, sleep: sleepByTimer });
    await expect(port.complete(requestOf(), controller.signal)).rejects.toMatchObject({ code: "cancelled" });
    expect(performance.now() - started).toBeLessThan(5_000);
  });

  test("sends nothing when it was cancelled before", async () => {
    const port = portTo(await serve((_request, response) => response.end("{}")), provider);
    await expect(port.complete(requestOf(), AbortSignal.abort())).rejects.toMatchObject({ code: "cancelled" });
    expect(seen).toBe(0);
  });
});

function answering(body: string): Promise<string> {
  return serve((_request, response) => response.setHeader("content-type", "application/json").end(body));
}

async function serve(listener: RequestListener): Promise<string> {
  const started = createServer((request, response) => {
    seen++;
    response.on("error", () => response.destroy());
    listener(request, response);
  });
  server = started;
  await new Promise<void>((listening) => started.listen(0, "127.0.0.1", listening));
  const address = started.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return `http://127.0.0.1:${address.port}`;
}
