import { isIP } from "node:net";
import { ToolError } from "../../model/tool.ts";
import type { Authority } from "../ports.ts";
import type { Network } from "./network.ts";

/** A URL whose host is allowed and whose addresses were all checked. */
export interface Target {
  readonly url: URL;
  readonly addresses: readonly string[];
}

/** Parses a URL that an agent may ask for. Throws `ToolError("bad-url")`. */
export function parseUrl(text: string, base?: URL): URL {
  const url = URL.parse(text, base);
  if (url === null) throw badUrl(text, "it is not a URL");
  if (url.protocol !== "https:" && url.protocol !== "http:") throw badUrl(text, "only http and https are fetched");
  if (url.username !== "" || url.password !== "") throw badUrl(text, "it holds credentials, which are never sent");
  if (url.hostname.endsWith(".")) throw badUrl(text, "its host ends in a dot");
  url.hash = "";
  return url;
}

/** The host without the brackets of an IPv6 address. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[(.*)\]$/, "$1");
}

function portOf(url: URL): number {
  if (url.port !== "") return Number(url.port);
  return url.protocol === "https:" ? 443 : 80;
}

/**
 * Checks the host, then resolves it and checks every address: one that is not public condemns all. A name that is not
 * allowed is not even looked up. Throws `ToolError`.
 */
export async function reach(
  url: URL,
  options: { readonly authority: Authority; readonly network: Network; readonly known?: readonly string[] | undefined },
): Promise<Target> {
  const { authority, network, known } = options;
  const host = hostOf(url);
  const { allow, reason, rule } = authority.network(host);
  if (!allow) throw new ToolError("denied", `${reason} (${rule})`);
  const addresses = known ?? (isIP(host) === 0 ? await resolve(host, network) : [host]);
  const port = portOf(url);
  if (addresses.length === 0 || !addresses.every((address) => network.permits({ address, port }))) {
    throw new ToolError(
      "forbidden-address",
      `\`${host}\` on port ${port} is not fetched: expected a public address and port 80 or 443`,
    );
  }
  return { url, addresses };
}

async function resolve(host: string, network: Network): Promise<readonly string[]> {
  try {
    return await network.resolve(host);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown reason";
    throw new ToolError("no-such-host", `\`${host}\` cannot be resolved: ${code}`);
  }
}

function badUrl(text: string, why: string): ToolError {
  return new ToolError("bad-url", `${JSON.stringify(text.slice(0, 200))} is not fetched: ${why}`);
}
