import { execFile, execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { covers } from "../../src/capability/lease/capability.ts";
import { parseCapability } from "../../src/capability/lease/uri.ts";
import type { Json, JsonObject } from "../../src/model/json.ts";
import type { Leased } from "../../src/model/tool.ts";
import type { Network } from "../../src/tool/http/network.ts";
import { bench, layer } from "./kit.ts";
import { loopback, serve } from "./servers.ts";

const execute = promisify(execFile);
const signal = new AbortController().signal;
const DOMAINS = ["site.test", "*.site.test", "other.test", "127.0.0.1", "private.test", "rebind.test"];

interface Answer {
  readonly status: number;
  readonly url: string;
  readonly body: string;
  readonly headers: JsonObject;
  readonly redirects: number;
  readonly truncated: boolean;
  readonly encoding: string;
}

function client(network?: Network, leased?: Leased) {
  const there = bench({
    layers: [layer({ network: { domains: DOMAINS, deny: [] } })],
    ...(network === undefined ? {} : { network }),
    ...(leased === undefined ? {} : { leased }),
  });
  return {
    ...there,
    fetch: async (call: JsonObject, stop = signal): Promise<Answer> =>
      (await there.call("http.fetch", call, stop)) as unknown as Answer,
  };
}

describe("http.fetch", () => {
  test("fetches a page of an allowed domain, with the headers and the body that it may send", async () => {
    const { port } = await serve((request, response) => {
      let body = "";
      request.on("data", (chunk) => (body += chunk));
      request.on("end", () => {
        response.setHeader("content-type", "application/json");
        response.setHeader("set-cookie", "a=b");
        response.setHeader("etag", '"1"');
        response.end(JSON.stringify({ method: request.method, url: request.url, headers: request.headers, body }));
      });
    });
    const { fetch } = client(loopback().network);
    const answer = await fetch({
      url: `http://site.test:${port}/a?b=c#d`,
      method: "POST",
      headers: { "content-type": "text/plain", accept: "*/*" },
      body: "é",
    });
    expect(answer).toMatchObject({
      status: 200,
      url: `http://site.test:${port}/a?b=c`,
      redirects: 0,
      truncated: false,
      encoding: "utf8",
    });
    expect(answer.headers).toEqual({ "content-type": "application/json", etag: '"1"' });
    const seen = JSON.parse(answer.body) as { headers: Record<string, string> };
    expect(seen).toMatchObject({ method: "POST", url: "/a?b=c", body: "é" });
    expect(Object.keys(seen.headers).sort()).toEqual([
      "accept",
      "accept-encoding",
      "connection",
      "content-length",
      "content-type",
      "host",
      "user-agent",
    ]);
    expect(seen.headers.host).toBe(`site.test:${port}`);
  });

  test("resolves to the addresses that will be connected to, and connects to no other", async () => {
    const { port } = await serve((_request, response) => response.end("first"));
    let turn = 0;
    const network: Network = {
      // A name that leads elsewhere the next time it is asked for: DNS rebinding.
      resolve: () => Promise.resolve(turn++ === 0 ? ["127.0.0.1"] : ["127.0.0.2"]),
      permits: ({ address }) => address === "127.0.0.1",
    };
    const { box } = client(network);
    const request = { tool: "http.fetch", arguments: { url: `http://rebind.test:${port}/` } };
    const resolution = await box.resolve(request, signal);
    expect(resolution).toEqual({ url: `http://rebind.test:${port}/`, method: "GET", addresses: ["127.0.0.1"] });
    expect(await box.perform(request, resolution, signal)).toMatchObject({ body: "first" });
    expect(turn).toBe(1);
  });

  test("A4 addresses that were put into the resolution are checked again", async () => {
    const { port } = await serve((_request, response) => response.end("reached"));
    const { box } = client();
    const request = { tool: "http.fetch", arguments: { url: `http://site.test:${port}/` } };
    const forged = { url: `http://site.test:${port}/`, method: "GET", addresses: ["127.0.0.1"] };
    await expect(box.perform(request, forged, signal)).rejects.toMatchObject({ code: "resolution-changed" });
  });

  test("a name that is not allowed is not even looked up", async () => {
    const { network, asked } = loopback();
    const { box, fetch } = client(network);
    for (const url of [
      "http://evil.test/",
      "http://site.test.evil.test/",
      "http://evilsite.test/",
      "http://secret-data.evil.test/",
    ]) {
      await expect(fetch({ url }), url).rejects.toThrow(/denied: policy test@1.0.0: network.domains/);
      await box.resolve({ tool: "http.fetch", arguments: { url } }, signal);
    }
    expect(asked).toEqual([]);
  });

  test("a private address is refused however it is spelled or reached, also when only one of many is private", async () => {
    const names = {
      "private.test": ["8.8.8.8", "10.0.0.1"],
      "site.test": ["169.254.169.254"],
      "other.test": ["::ffff:127.0.0.1"],
    };
    const { isPublic } = await import("../../src/tool/http/address.ts");
    const network: Network = {
      resolve: (host) => Promise.resolve(names[host as keyof typeof names] ?? []),
      permits: ({ address }) => isPublic(address),
    };
    const { fetch } = client(network);
    for (const url of ["http://private.test/", "http://site.test/", "http://other.test/", "http://a.site.test/"]) {
      await expect(fetch({ url }), url).rejects.toMatchObject({ code: "forbidden-address" });
    }
    // Without a network of the test: the real one.
    const real = client();
    for (const url of [
      "http://127.0.0.1/",
      "http://0x7f.1/",
      "http://2130706433/",
      "http://0177.0.0.1/",
      "http://127.1/",
    ]) {
      await expect(real.fetch({ url }), url).rejects.toMatchObject({ code: "forbidden-address" });
    }
  });

  test("only the ports of the web are reached", async () => {
    const { isPublic } = await import("../../src/tool/http/address.ts");
    const { internet } = await import("../../src/tool/http/network.ts");
    const network = { ...internet(isPublic), resolve: () => Promise.resolve(["8.8.8.8"]) };
    const { fetch } = client(network);
    for (const url of [
      "http://site.test:22/",
      "http://site.test:0/",
      "https://site.test:8443/",
      "http://site.test:6379/",
    ]) {
      await expect(fetch({ url }), url).rejects.toMatchObject({ code: "forbidden-address" });
    }
  });

  test("URLs that hold credentials, other schemes and odd hosts are refused", async () => {
    const { fetch } = client(loopback().network);
    for (const url of [
      "http://user:pass@site.test/",
      "http://user@site.test/",
      "ftp://site.test/",
      "file:///etc/passwd",
      "http://site.test./",
      "site.test",
      "",
      "http://",
      "http://site.test\\@evil.test/",
    ]) {
      await expect(fetch({ url }), url).rejects.toThrow();
    }
    const { box } = client(loopback().network);
    for (const headers of [{ authorization: "x" }, { cookie: "x" }, { host: "x" }]) {
      expect(
        box.invalidArguments({ tool: "http.fetch", arguments: { url: "http://site.test/", headers } as Json }),
      ).toBeDefined();
    }
    for (const accept of ["a\r\nhost: b", "a\0", "é"]) {
      await expect(fetch({ url: "http://site.test/", headers: { accept } })).rejects.toMatchObject({
        code: "bad-arguments",
      });
    }
    await expect(fetch({ url: "http://site.test/", body: "x" })).rejects.toMatchObject({ code: "bad-arguments" });
  });

  test("follows redirects within allowed domains, checking each", async () => {
    const { network, asked } = loopback({ names: { "private.test": ["10.0.0.1"] } });
    const { port } = await serve((request, response) => {
      const to = request.url?.slice(1) ?? "";
      if (to === "end") return response.end(`${request.method} ${request.headers.host}`);
      response.writeHead(302, { location: to.startsWith("http") ? to : `/${to}` }).end("moved");
    });
    const { fetch } = client(network);
    const from = (location: string) => fetch({ url: `http://site.test:${port}/${location}` });
    expect(await from(`http://other.test:${port}/end`)).toMatchObject({
      status: 200,
      body: `GET other.test:${port}`,
      redirects: 1,
      url: `http://other.test:${port}/end`,
    });
    await expect(from(`http://evil.test:${port}/end`)).rejects.toMatchObject({ code: "denied" });
    await expect(from(`http://private.test:${port}/end`)).rejects.toMatchObject({ code: "forbidden-address" });
    await expect(from("file:///etc/passwd".replace("file", "http-file"))).rejects.toMatchObject({ code: "bad-url" });
    await expect(from(`http://a:b@site.test:${port}/end`)).rejects.toMatchObject({ code: "bad-url" });
    expect(asked).not.toContain("evil.test");
  });

  test("A12 follows no redirect to where the lease of the call does not lead, though its domain is allowed", async () => {
    const { port } = await serve((request, response) => {
      if (request.url === "/end") return response.end("there");
      response.writeHead(302, { location: `http://${request.url?.slice(1)}:${port}/end` }).end();
    });
    const lease = parseCapability("capability://http/site.test/**?action=get", "here");
    const leased: Leased = {
      permits: (need) => ({ allow: covers(lease, need), rule: "the lease", reason: "it does not cover this" }),
      delegated: [],
    };
    const { fetch } = client(loopback().network, leased);
    expect(await fetch({ url: `http://site.test:${port}/site.test` })).toMatchObject({ body: "there", redirects: 1 });
    await expect(fetch({ url: `http://site.test:${port}/other.test` })).rejects.toMatchObject({
      code: "denied",
      message: "it does not cover this (the lease)",
    });
  });

  test("follows five redirects and no more, and a loop ends", async () => {
    const { port } = await serve((request, response) => {
      const left = Number(request.url?.slice(1));
      if (left === 0) return response.end("there");
      response.writeHead(307, { location: `/${left - 1}` }).end();
    });
    const { fetch } = client(loopback().network);
    expect(await fetch({ url: `http://site.test:${port}/5` })).toMatchObject({ body: "there", redirects: 5 });
    await expect(fetch({ url: `http://site.test:${port}/6` })).rejects.toMatchObject({ code: "redirects" });
  });

  test("what was posted is not posted again elsewhere", async () => {
    const seen: string[] = [];
    const { port } = await serve((request, response) => {
      seen.push(
        `${request.method} ${request.headers.host?.split(":")[0]}${request.url} ${request.headers["content-type"] ?? ""}`,
      );
      const status = Number(request.url?.slice(1));
      if (status > 0) return response.writeHead(status, { location: `http://other.test:${port}/` }).end();
      response.end("end");
    });
    const { fetch } = client(loopback().network);
    const post = (path: string) =>
      fetch({ url: `http://site.test:${port}/${path}`, method: "POST", body: "x", headers: { "content-type": "a/b" } });
    await post("302");
    await post("303");
    expect(seen).toEqual(["POST site.test/302 a/b", "GET other.test/ ", "POST site.test/303 a/b", "GET other.test/ "]);
    await expect(post("307")).rejects.toMatchObject({ code: "redirects" });
  });

  test("https is checked against the host's name, and is never left for http", async () => {
    const { folder, ...there } = client();
    execFileSync(
      "openssl",
      [
        ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"],
        ...[
          "-subj",
          "/CN=site.test",
          "-addext",
          "subjectAltName=DNS:site.test",
          "-keyout",
          join(folder, "key"),
          "-out",
          join(folder, "cert"),
        ],
      ],
      { stdio: "ignore" },
    );
    const tls = { key: readFileSync(join(folder, "key"), "utf8"), cert: readFileSync(join(folder, "cert"), "utf8") };
    const plain = await serve((_request, response) => response.end("plain"));
    const { port } = await serve((request, response) => {
      if (request.url === "/down")
        return response.writeHead(302, { location: `http://site.test:${plain.port}/` }).end();
      response.end("secure");
    }, tls);
    const trusting = client(loopback({ certificates: tls.cert }).network);
    expect(await trusting.fetch({ url: `https://site.test:${port}/` })).toMatchObject({ body: "secure" });
    await expect(trusting.fetch({ url: `https://site.test:${port}/down` })).rejects.toThrow(/https to http/);
    await expect(trusting.fetch({ url: `https://other.test:${port}/` })).rejects.toThrow(
      /ERR_TLS_CERT_ALTNAME_INVALID/,
    );
    const wary = client(loopback().network);
    await expect(wary.fetch({ url: `https://site.test:${port}/` })).rejects.toThrow(/SELF_SIGNED/);
    expect(there.box.get("http.fetch")).toBeDefined();
  });

  test("bodies are cut at the limit, at the edge of a character; what is no text comes as base64", async () => {
    const { port } = await serve((request, response) => {
      if (request.url === "/text") return response.end("é".repeat(100));
      if (request.url === "/endless") {
        const more = (): void => {
          if (response.destroyed) return;
          response.write(Buffer.alloc(65_536, "x"));
          setImmediate(more);
        };
        return more();
      }
      response.end(Buffer.from([0xff, 0xfe]));
    });
    const { fetch } = client(loopback().network);
    expect(await fetch({ url: `http://site.test:${port}/text`, maxBytes: 7 })).toMatchObject({
      body: "ééé",
      truncated: true,
    });
    expect(await fetch({ url: `http://site.test:${port}/binary` })).toMatchObject({ body: "//4=", encoding: "base64" });
    const endless = await fetch({ url: `http://site.test:${port}/endless`, maxBytes: 1000 });
    expect(endless).toMatchObject({ truncated: true, body: "x".repeat(1000) });
  });

  test("compressed bodies are not unpacked", async () => {
    const { gzipSync } = await import("node:zlib");
    const packed = gzipSync(Buffer.alloc(10_000_000));
    const { port } = await serve((_request, response) =>
      response.writeHead(200, { "content-encoding": "gzip" }).end(packed),
    );
    const answer = await client(loopback().network).fetch({ url: `http://site.test:${port}/` });
    expect(answer).toMatchObject({
      encoding: "base64",
      headers: { "content-encoding": "gzip" },
      body: packed.toString("base64"),
    });
  });

  test("a server that does not answer, or drips, is left in time; a cancelled call ends", async () => {
    const { port } = await serve((request, response) => {
      if (request.url === "/drip") {
        const timer = setInterval(() => response.write("x"), 10);
        response.on("close", () => clearInterval(timer));
      }
    });
    const { fetch } = client(loopback().network);
    for (const path of ["silent", "drip"]) {
      await expect(fetch({ url: `http://site.test:${port}/${path}`, timeoutMs: 100 })).rejects.toMatchObject({
        code: "timeout",
      });
      const controller = new AbortController();
      const fetching = fetch({ url: `http://site.test:${port}/${path}` }, controller.signal);
      setTimeout(() => controller.abort(), 50);
      await expect(fetching).rejects.toMatchObject({ code: "cancelled" });
    }
  });

  test("nobody there, a connection that breaks off, and a name without an address are told in plain words", async () => {
    const { port, server } = await serve((_request, response) => {
      response.writeHead(200, { "content-length": "100" });
      response.write("x");
      setImmediate(() => response.destroy());
    });
    const { fetch } = client(loopback().network);
    await expect(fetch({ url: `http://site.test:${port}/` })).rejects.toMatchObject({ code: "no-connection" });
    server.close();
    await expect(fetch({ url: "http://site.test:1/" })).rejects.toThrow(/did not answer: ECONNREFUSED/);
    const nameless = client({
      resolve: () => Promise.reject(Object.assign(new Error("x"), { code: "ENOTFOUND" })),
      permits: () => true,
    });
    await expect(nameless.fetch({ url: "http://site.test/" })).rejects.toThrow(/cannot be resolved: ENOTFOUND/);
  });

  test("a proxy in the environment is not used", async () => {
    const { port } = await serve((request, response) => response.end(request.url));
    const script = `
      import { httpFetch } from "${process.cwd()}/src/tool/http/fetch.ts";
      const authority = { network: () => ({ allow: true, rule: "", reason: "" }) };
      const network = { resolve: () => Promise.resolve(["127.0.0.1"]), permits: () => true };
      const tool = httpFetch({ authority, network });
      const prepared = await tool.prepare({ url: "http://site.test:${port}/path" }, { signal: new AbortController().signal });
      process.stdout.write((await prepared.act()).body);
    `;
    const env = { PATH: process.env.PATH, NODE_USE_ENV_PROXY: "1", HTTP_PROXY: `http://127.0.0.1:${port}` };
    const { stdout } = await execute(process.execPath, ["--input-type=module-typescript", "-e", script], { env });
    // A proxy would have been asked for the whole URL.
    expect(stdout).toBe("/path");
  });
});
