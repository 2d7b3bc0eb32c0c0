import type { IncomingMessage } from "node:http";
import { isJsonObject, type JsonObject } from "../../model/json.ts";
import { type Leased, ToolError } from "../../model/tool.ts";
import { cutAtEnd, encode } from "../files/encoding.ts";
import type { Authority, Mask } from "../ports.ts";
import { NO_SECRETS } from "../secrets/none.ts";
import type { Handed } from "../secrets/uses.ts";
import { defineTool, fields, goOn, type Tool } from "../tool.ts";
import { isPublic } from "./address.ts";
import { bodyOf, type Credentials, type Exchange, exchange } from "./exchange.ts";
import { METHODS, requestNeed } from "./need.ts";
import { internet, type Network } from "./network.ts";
import { hostOf, parseUrl, reach, type Target } from "./target.ts";

const TIMEOUT_MS = 30_000;
const MAX_TIMEOUT_MS = 120_000;
const BYTES = 262_144;
const MAX_BYTES = 4 * 1024 * 1024;
const MAX_REDIRECTS = 5;

/** What an agent may set: nothing that carries credentials or steers the connection. */
const REQUEST_HEADERS = ["accept", "accept-language", "content-type", "if-modified-since", "if-none-match"] as const;
const RESPONSE_HEADERS = [
  "content-type",
  "content-encoding",
  "etag",
  "last-modified",
  "location",
  "retry-after",
] as const;

interface Arguments {
  readonly url: string;
  readonly method?: (typeof METHODS)[number];
  readonly headers?: Readonly<Partial<Record<(typeof REQUEST_HEADERS)[number], string>>>;
  readonly body?: string;
  readonly maxBytes?: number;
  readonly timeoutMs?: number;
}

export interface FetchOptions {
  readonly authority: Authority;
  /** For tests only: other names and addresses than the internet's. Nothing that a blueprint says leads here. */
  readonly network?: Network;
  readonly mask?: Mask;
}

/** `http.fetch`: one request to an allowed domain at a public address, and the redirects that stay within both. */
export function httpFetch({ authority, network = internet(isPublic), mask = NO_SECRETS.mask }: FetchOptions): Tool {
  return defineTool<Arguments>({
    name: "http.fetch",
    taxon: "network",
    readOnly: false,
    idempotency: "unsafe",
    inputSchema: fields(
      {
        url: { type: "string", maxLength: 4096 },
        method: { enum: [...METHODS] },
        headers: fields(optionalTexts(REQUEST_HEADERS, { maxLength: 1000 }), REQUEST_HEADERS),
        body: { type: "string", maxLength: 1_048_576 },
        maxBytes: { type: "integer", minimum: 1, maximum: MAX_BYTES },
        timeoutMs: { type: "integer", minimum: 1, maximum: MAX_TIMEOUT_MS },
      },
      ["method", "headers", "body", "maxBytes", "timeoutMs"],
    ),
    outputSchema: fields({
      url: { type: "string" },
      status: { type: "integer" },
      headers: fields(optionalTexts(RESPONSE_HEADERS), RESPONSE_HEADERS),
      redirects: { type: "integer" },
      encoding: { enum: ["utf8", "base64"] },
      body: { type: "string" },
      truncated: { type: "boolean" },
    }),
    permit({ url }) {
      const parsed = URL.parse(url);
      if (parsed === null) return { allow: false, rule: "pinion: URLs", reason: "it is not a URL" };
      return authority.network(hostOf(parsed));
    },
    needs({ url, method = "GET" }) {
      const parsed = URL.parse(url);
      return parsed === null ? [] : [requestNeed(parsed, method)];
    },
    async prepare(call, { signal, earlier, handed, leased }) {
      const { url, method = "GET", headers = {}, body, maxBytes = BYTES, timeoutMs = TIMEOUT_MS } = call;
      if (body !== undefined && (method === "GET" || method === "HEAD")) {
        throw new ToolError("bad-arguments", `a ${method} request has no body`);
      }
      for (const [name, value] of Object.entries(headers)) {
        if (!/^[\x20-\x7e]*$/.test(value)) {
          throw new ToolError("bad-arguments", `the header \`${name}\` holds other than printable ASCII`);
        }
      }
      const target = await reach(parseUrl(url), { authority, network, known: addressesIn(earlier) });
      goOn(signal);
      return {
        resolution: { url: target.url.href, method, addresses: target.addresses },
        act() {
          const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
          const credentials = credentialsOf(target.url, handed);
          const first: Exchange = { target, method, headers, body, certificates: network.certificates, credentials };
          return within(limit, { signal, timeoutMs }, () =>
            follow(first, { authority, network, limit, maxBytes, mask, leased }),
          );
        },
        close: () => undefined,
      };
    },
  });
}

interface Following {
  readonly authority: Authority;
  readonly network: Network;
  readonly limit: AbortSignal;
  readonly maxBytes: number;
  readonly mask: Mask;
  readonly leased: Leased | undefined;
}

function credentialsOf({ origin }: URL, handed: readonly Handed[] = []): Credentials {
  for (const { name, value } of handed) {
    if (/^[\x20-\x7e]*$/.test(value)) continue;
    throw new ToolError(
      "bad-secret",
      `the secret \`${name}\` cannot be sent in a header: it is not one line of printable ASCII`,
    );
  }
  return { origin, headers: Object.fromEntries(handed.map(({ to, value }) => [to, value])) };
}

async function follow(first: Exchange, options: Following): Promise<JsonObject> {
  let current = first;
  for (let redirects = 0; ; redirects++) {
    const response = await exchange(current, options.limit);
    const next = nextOf(response, current);
    if (next === undefined) return resultOf(response, { url: current.target.url.href, redirects, ...options });
    response.destroy();
    if (redirects === MAX_REDIRECTS) throw new ToolError("redirects", `there are more than ${MAX_REDIRECTS} redirects`);
    const leased = options.leased?.permits(requestNeed(next.url, next.request.method));
    if (leased?.allow === false) throw new ToolError("denied", `${leased.reason} (${leased.rule})`);
    const target: Target = await reach(next.url, options);
    current = { ...next.request, target };
  }
}

/** Where a redirect leads (RFC 9110 §15.4), or undefined when the response is the answer. */
function nextOf(
  response: IncomingMessage,
  current: Exchange,
): { readonly url: URL; readonly request: Exchange } | undefined {
  const { statusCode = 0, headers } = response;
  if (![301, 302, 303, 307, 308].includes(statusCode) || headers.location === undefined) return undefined;
  const from = current.target.url;
  const url = parseUrl(headers.location, from);
  if (from.protocol === "https:" && url.protocol === "http:") {
    throw new ToolError("redirects", `\`${from.host}\` redirects from https to http, which is not followed`);
  }
  const becomesGet = statusCode === 303 ? current.method !== "HEAD" : statusCode < 303 && current.method === "POST";
  if (becomesGet) {
    const { "content-type": _, ...headers } = current.headers;
    return { url, request: { ...current, headers, method: "GET", body: undefined } };
  }
  if (current.body !== undefined && url.origin !== from.origin) {
    throw new ToolError(
      "redirects",
      `\`${from.host}\` redirects a request with a body to \`${url.host}\`, which is not followed`,
    );
  }
  return { url, request: current };
}

async function resultOf(
  response: IncomingMessage,
  { url, redirects, maxBytes, mask }: Following & { readonly url: string; readonly redirects: number },
): Promise<JsonObject> {
  const { data, truncated } = await bodyOf(response, maxBytes, mask);
  const text = textOf(data, truncated);
  const shown = RESPONSE_HEADERS.flatMap((name) => {
    const value = response.headers[name];
    return typeof value === "string" ? [[name, value] as const] : [];
  });
  return {
    url,
    status: response.statusCode ?? 0,
    headers: Object.fromEntries(shown),
    redirects,
    encoding: text === undefined ? "base64" : "utf8",
    body: text ?? data.toString("base64"),
    truncated,
  };
}

/** Undefined when the bytes are no text. */
function textOf(data: Buffer, truncated: boolean): string | undefined {
  try {
    return encode(data.subarray(0, data.length - (truncated ? cutAtEnd(data) : 0)), "utf8", "the body");
  } catch (error) {
    if (error instanceof ToolError) return undefined;
    throw error;
  }
}

/** Says which limit it was when the time is over or the call was cancelled. */
async function within<T>(
  limit: AbortSignal,
  { signal, timeoutMs }: { readonly signal: AbortSignal; readonly timeoutMs: number },
  action: () => Promise<T>,
): Promise<T> {
  try {
    return await action();
  } catch (error) {
    goOn(signal);
    if (limit.aborted) throw new ToolError("timeout", `there was no complete answer within ${timeoutMs} ms`);
    if (error instanceof ToolError) throw error;
    throw new ToolError(
      "no-connection",
      `the connection broke off: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

function addressesIn(earlier: JsonObject | undefined): readonly string[] | undefined {
  const found = isJsonObject(earlier) ? earlier.addresses : undefined;
  return Array.isArray(found) && found.every((one) => typeof one === "string") ? found : undefined;
}

function optionalTexts(names: readonly string[], more: JsonObject = {}): JsonObject {
  return Object.fromEntries(names.map((name) => [name, { type: "string", ...more }]));
}
