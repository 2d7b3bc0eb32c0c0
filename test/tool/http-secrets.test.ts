import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { RequestListener } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import type { JsonObject } from "../../src/model/json.ts";
import type { SecretUse } from "../../src/model/tool.ts";
import { Mask } from "../../src/secret/mask.ts";
import type { Network } from "../../src/tool/http/network.ts";
import { bench, layer } from "./kit.ts";
import { loopback, serve } from "./servers.ts";

interface Answer {
  readonly body: string;
  readonly headers: JsonObject;
  readonly truncated: boolean;
}

describe("secrets of http.fetch", () => {
  const TOKEN = 'canary-header-"7f3a"';
  const use = (more: Partial<SecretUse> = {}): SecretUse => ({
    name: "token",
    as: "header",
    header: "authorization",
    format: "Bearer {}",
    domains: ["site.test"],
    ...more,
  });

  /** Two servers over TLS, and what they were sent. */
  async function sites() {
    const folder = mkdtempSync(join(tmpdir(), "pinion-tls-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const [key, cert] = [join(folder, "key"), join(folder, "cert")];
    const asked = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
    const names = ["-subj", "/CN=x", "-addext", "subjectAltName=DNS:site.test,DNS:a.site.test,DNS:other.test"];
    execFileSync("openssl", [...asked, ...names, "-keyout", key, "-out", cert], { stdio: "ignore" });
    const tls = { key: readFileSync(key, "utf8"), cert: readFileSync(cert, "utf8") };
    const sent: string[] = [];
    const answer: RequestListener = (request, response) => {
      const { url = "", headers } = request;
      sent.push(`${headers.host?.split(":")[0]}${url} ${headers.authorization}`);
      const to = new URLSearchParams(url.split("?")[1]).get("to");
      if (to !== null) return void response.writeHead(302, { location: to }).end();
      response.setHeader("etag", `"${headers.authorization}"`);
      response.end(`${"x".repeat(20)}${headers.authorization}`);
    };
    const { port } = await serve(answer, tls);
    const plain = await serve(answer);
    return { port, plain: plain.port, sent, network: loopback({ certificates: tls.cert }).network };
  }

  const fetching = (network: Network, value: string, uses: readonly SecretUse[] = [use()]) => {
    const there = bench({
      layers: [
        layer({
          network: { domains: ["site.test", "*.site.test", "other.test"], deny: [] },
          secrets: { allow: ["*"] },
        }),
      ],
      network,
      secrets: { value: () => value, mask: new Mask([{ name: "token", value }]) },
      uses: { "http.fetch": uses },
    });
    return async (call: JsonObject) => (await there.call("http.fetch", call)) as unknown as Answer;
  };

  test("goes to its exact domain over TLS, along a redirect to the same origin, and nowhere else", async () => {
    const { port, plain, sent, network } = await sites();
    const fetch = fetching(network, TOKEN);
    const to = (url: string) => encodeURIComponent(url);
    await fetch({ url: `https://site.test:${port}/a` });
    await fetch({ url: `https://site.test:${port}/b?to=/c` });
    await fetch({ url: `https://site.test:${port}/d?to=${to(`https://other.test:${port}/e`)}` });
    await fetch({ url: `https://a.site.test:${port}/f` });
    await fetch({ url: `http://site.test:${plain}/g` });
    await fetch({ url: `http://site.test:${plain}/h?to=${to(`https://site.test:${port}/i`)}` });
    const bearer = `Bearer ${TOKEN}`;
    expect(sent.map((line) => line.replace(/\?to=\S*/, ""))).toEqual([
      `site.test/a ${bearer}`,
      `site.test/b ${bearer}`,
      `site.test/c ${bearer}`,
      `site.test/d ${bearer}`,
      "other.test/e undefined",
      "a.site.test/f undefined",
      "site.test/g undefined",
      "site.test/h undefined",
      "site.test/i undefined",
    ]);
  });

  test("X1 X2 does not come back, in headers or the body, nor half of it where the body is cut", async () => {
    const { port, network } = await sites();
    const fetch = fetching(network, TOKEN);
    const whole = await fetch({ url: `https://site.test:${port}/` });
    expect(whole).toMatchObject({ body: `${"x".repeat(20)}Bearer [secret token]`, truncated: false });
    expect(whole.headers.etag).toBe('"Bearer [secret token]"');
    for (const maxBytes of [28, 31, 40]) {
      const cut = await fetch({ url: `https://site.test:${port}/`, maxBytes });
      expect(cut).toMatchObject({ body: `${"x".repeat(20)}Bearer [secret token]`, truncated: true });
    }
  });

  test("is not sent where it would be more than one header", async () => {
    const { port, sent, network } = await sites();
    const fetch = fetching(network, "canary\r\nx-evil: 1");
    await expect(fetch({ url: `https://site.test:${port}/` })).rejects.toMatchObject({
      code: "bad-secret",
      message: expect.not.stringContaining("canary"),
    });
    expect(sent).toEqual([]);
  });
});
