import { Agent as HttpAgent, type IncomingMessage, type RequestOptions, request as requestHttp } from "node:http";
import { Agent as HttpsAgent, request as requestHttps } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import { ToolError } from "../../model/tool.ts";
import type { Mask } from "../ports.ts";
import { hostOf, type Target } from "./target.ts";

export interface Exchange {
  readonly target: Target;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  readonly certificates?: string | undefined;
  /** Headers that hold secrets. They go to this one origin over TLS, and not along with a redirect. */
  readonly credentials?: Credentials | undefined;
}
export interface Credentials {
  readonly origin: string;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * One request to one of the target's addresses, the first that answers. The response's body has not been read yet.
 * Throws `ToolError("no-connection")`, or the signal's reason.
 */
export function exchange(
  { target, method, headers, body, certificates, credentials }: Exchange,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const { url } = target;
  const host = hostOf(url);
  const secure = url.protocol === "https:";
  const options: RequestOptions & {
    readonly rejectUnauthorized: true;
    readonly ca?: string;
    readonly servername?: string;
  } = {
    method,
    host,
    path: `${url.pathname}${url.search}`,
    headers: {
      ...headers,
      ...(secure ? credentialsFor(url, credentials) : {}),
      "accept-encoding": "identity",
      "user-agent": "pinion",
    },
    // An agent of its own: no kept connections, and no proxy from the environment.
    agent: secure ? new HttpsAgent({ keepAlive: false }) : new HttpAgent({ keepAlive: false }),
    lookup: pinned(target),
    rejectUnauthorized: true,
    signal,
    ...(url.port === "" ? {} : { port: url.port }),
    ...(certificates === undefined ? {} : { ca: certificates }),
    ...(isIP(host) === 0 ? { servername: host } : {}),
  };
  return new Promise((resolve, reject) => {
    const request = (secure ? requestHttps : requestHttp)(options, resolve);
    request.once("error", (error) => reject(signal.aborted ? signal.reason : noConnection(host, error)));
    request.end(body);
  });
}

function credentialsFor({ origin }: URL, credentials: Credentials | undefined): Credentials["headers"] {
  return credentials?.origin === origin ? credentials.headers : {};
}

/** Answers every look-up with the addresses that were checked. */
function pinned({ addresses }: Target): LookupFunction {
  const all = addresses.map((address) => ({ address, family: isIP(address) }));
  const first = all[0] ?? { address: "", family: 0 };
  return (_host, options, callback) => {
    if (options.all) callback(null, all);
    else callback(null, first.address, first.family);
  };
}

function noConnection(host: string, error: Error): ToolError {
  const code = "code" in error ? String(error.code) : error.message;
  return new ToolError("no-connection", `\`${host}\` did not answer: ${code}`);
}

/** At most `limit` bytes of the body, without secrets, also without one that the limit would cut; the rest is not read. */
export async function bodyOf(
  response: IncomingMessage,
  limit: number,
  mask: Mask,
): Promise<{ readonly data: Buffer; readonly truncated: boolean }> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > limit + mask.reach) break;
  }
  const whole = Buffer.concat(chunks);
  return { data: mask.bytes(whole, { to: Math.min(limit, bytes) }), truncated: bytes > limit };
}
