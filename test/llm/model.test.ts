import { LLMock } from "@copilotkit/aimock";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { KEY, never, portTo, READ, REMOTE, requestOf } from "./providers.ts";

let mock: LLMock;
beforeEach(async () => {
  mock = new LLMock({ port: 0 });
  await mock.start();
});
afterEach(async () => {
  await mock.stop();
});

describe.each(REMOTE)("$provider", (provider) => {
  const ask = (request = requestOf(), options: Parameters<typeof portTo>[2] = {}) =>
    portTo(mock.url, provider, options).complete(request, never());

  test("answers text", async () => {
    mock.onMessage("hello", { content: "Hi there" });
    expect(await ask()).toEqual({
      text: "Hi there",
      toolCalls: [],
      tokens: { input: expect.any(Number), output: expect.any(Number) },
      finish: "stop",
    });
  });

  test("sends instructions, settings and tools", async () => {
    mock.onMessage("hello", { content: "Hi" });
    await ask(requestOf({ tools: [READ], settings: { temperature: 0, maxOutputTokens: 99 } }));
    const { body, headers } = sent();
    expect(body.messages).toEqual([
      { role: "system", content: "be brief" },
      { role: "user", content: "hello" },
    ]);
    expect(body).toMatchObject({ temperature: 0, max_tokens: 99 });
    expect(body.tools).toMatchObject([{ function: { name: "file_read", description: "reads a file" } }]);
    expect(headers["user-agent"]).toContain("ai-sdk");
  });

  test("gives back tool calls under the names that were offered", async () => {
    mock.onMessage("hello", {
      content: "I shall look",
      toolCalls: [
        { name: "file_read", arguments: '{"path":"a.txt"}' },
        { name: "file_read", arguments: '{"path":"b.txt"}' },
      ],
    });
    const { text, toolCalls, finish } = await ask(requestOf({ tools: [READ] }));
    expect({ text, finish }).toEqual({ text: "I shall look", finish: "tool-calls" });
    expect(toolCalls).toEqual([
      { id: expect.stringMatching(/^[\w-]+$/), tool: "file.read", arguments: { path: "a.txt" } },
      { id: expect.stringMatching(/^[\w-]+$/), tool: "file.read", arguments: { path: "b.txt" } },
    ]);
    expect(toolCalls[0]?.id).not.toBe(toolCalls[1]?.id);
  });

  test("passes over a tool that was never offered, so that it is refused by name", async () => {
    mock.onMessage("hello", { toolCalls: [{ name: "rm_rf", arguments: "{}" }] });
    expect((await ask(requestOf({ tools: [READ] }))).toolCalls[0]?.tool).toBe("rm_rf");
  });

  test("carries a conversation with results, refusals and calls that were not JSON", async () => {
    mock.onMessage("hello", { content: "done" });
    const call = (id: string, tool = "file.read") => ({ id, tool, arguments: { path: `${id}.txt` } });
    const answer = await ask(
      requestOf({
        step: 3,
        tools: [READ],
        messages: [
          { role: "user", text: "hello" },
          { role: "assistant", text: "looking", toolCalls: [call("a"), call("b")] },
          { role: "tool", call: "a", tool: "file.read", ok: true, text: '{"content":"one"}' },
          { role: "tool", call: "b", tool: "file.read", ok: false, text: "denied by tool-gate" },
          { role: "assistant", text: "", toolCalls: [{ id: "c", tool: "no such tool", raw: "{oops" }] },
          { role: "tool", call: "c", tool: "no such tool", ok: false, text: "no such tool" },
        ],
      }),
    );
    expect(answer.text).toBe("done");
    const said = JSON.stringify(sent().body.messages);
    for (const part of ["looking", "a.txt", "b.txt", "one", "denied by tool-gate", "{oops", "no such tool"]) {
      expect(said).toContain(JSON.stringify(part).slice(1, -1));
    }
    expect(said.match(/"role":"tool"/g)).toHaveLength(3);
  });

  test("A3 arguments that are not JSON come back as text", async () => {
    mock.onMessage("hello", { toolCalls: [{ name: "file_read", arguments: '{"path": ' }] });
    const [call] = (await ask(requestOf({ tools: [READ] }))).toolCalls;
    // Anthropic and Gemini carry arguments as JSON: the mock can only send an empty object there.
    const carried = provider.provider === "openai" || provider.provider === "openai-compatible";
    expect(call).toMatchObject(carried ? { raw: '{"path": ' } : { arguments: {} });
  });

  test("tries again after 429 and 500, and waits as long as it is asked to", async () => {
    const waits: number[] = [];
    mock.onMessage("hello", { content: "at last" });
    // The mock serves the error that was set last first; its 429 asks to wait a second.
    mock.nextRequestError(500, { message: "oops" });
    mock.nextRequestError(429, { message: "slow down" });
    const sleep = async (ms: number) => void waits.push(ms);
    expect((await ask(requestOf(), { retries: 3, sleep, random: () => 0.5 })).text).toBe("at last");
    expect(waits).toEqual([1000, 750]);
  });

  test("gives up after its last attempt and says why", async () => {
    mock.on({}, { error: { message: "the engine is on fire", type: "server_error" }, status: 503 });
    await expect(ask(requestOf(), { retries: 2 })).rejects.toMatchObject({
      name: "WorldError",
      code: "model-unavailable",
      message: `model \`${provider.provider}:${provider.model}\` answered 503 after 3 attempts: the engine is on fire`,
    });
    expect(mock.getRequests()).toHaveLength(3);
  });

  test("does not repeat a request that was refused", async () => {
    mock.on({}, { error: { message: "no such model", type: "invalid_request_error" }, status: 400 });
    await expect(ask(requestOf(), { retries: 2 })).rejects.toMatchObject({
      code: "model-refused",
      message: expect.stringContaining("answered 400: no such model"),
    });
    expect(mock.getRequests()).toHaveLength(1);
  });

  test("stops an attempt at its timeout and tries again", async () => {
    mock.onMessage("hello", { content: "late" }, { chaos: { latencyMs: 5_000 } });
    await expect(ask(requestOf(), { retries: 1, timeoutMs: 60 })).rejects.toMatchObject({
      code: "model-timeout",
      message: expect.stringContaining("no answer within 60 ms after 2 attempts"),
    });
  });

  test("stops at once when it is cancelled", async () => {
    mock.onMessage("hello", { content: "late" }, { chaos: { latencyMs: 20_000 } });
    const controller = new AbortController();
    const asked = portTo(mock.url, provider, { timeoutMs: 60_000 }).complete(requestOf(), controller.signal);
    setTimeout(() => controller.abort(), 50);
    await expect(asked).rejects.toMatchObject({ name: "InterruptedError", code: "cancelled" });
  });

  test("an answer that is cut or malformed is an error", async () => {
    mock.onMessage("hello", { content: "Hi" }, { chaos: { malformedRate: 1 } });
    await expect(ask()).rejects.toMatchObject({ name: "WorldError", code: "model-nonsense" });
    mock.clearFixtures();
    mock.onMessage("hello", { content: "Hi" }, { chaos: { disconnectRate: 1 } });
    await expect(ask()).rejects.toMatchObject({ name: "WorldError", code: "model-unreachable" });
  });

  test("X1 never lets the key into an answer", async () => {
    const leak = `${KEY} ${Buffer.from(KEY).toString("base64")}`;
    mock.onMessage("hello", {
      content: `your key is ${leak}`,
      toolCalls: [{ name: "file_read", arguments: JSON.stringify({ path: leak }) }],
    });
    const answer = JSON.stringify(await ask(requestOf({ tools: [READ] })));
    expect(answer).toContain("[key]");
    expectNoKey(answer);
  });

  test.each([400, 401, 403, 429, 500])("X1 never lets the key into the error of a %i", async (status) => {
    mock.on({}, { error: { message: `bad key ${KEY} / ${encodeURIComponent(KEY)}`, type: "x" }, status });
    const error: unknown = await ask().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Error);
    expectNoKey(everythingIn(error));
  });
});

function sent() {
  const request = mock.getLastRequest();
  if (request?.body === null || request?.body === undefined) throw new Error("nothing was sent");
  return { body: request.body, headers: request.headers };
}

function expectNoKey(text: string): void {
  for (const form of [KEY, Buffer.from(KEY).toString("base64").replace(/=+$/, ""), Buffer.from(KEY).toString("hex")]) {
    expect(text).not.toContain(form);
  }
}

/** All that an error would show if it were printed with everything behind it. */
function everythingIn(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return JSON.stringify([
    error.stack,
    Object.getOwnPropertyNames(error).map((name) => String(Reflect.get(error, name))),
  ]).concat(error.cause === undefined ? "" : everythingIn(error.cause));
}
