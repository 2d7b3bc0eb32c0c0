import { createServer, type RequestListener, type Server } from "node:http";
import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, test } from "vitest";
import { sleepByTimer } from "../../src/llm/attempts.ts";
import { KEY, never, portTo, REMOTE, requestOf } from "./providers.ts";

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

describe("waiting", () => {
  const provider = { provider: "openai-compatible", model: "qwen3:8b" } as const;
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
