import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createTls } from "node:https";
import { onTestFinished } from "vitest";
import type { Network } from "../../src/tool/http/network.ts";

/** A server of this process on the loopback device, until the test is over. */
export async function serve(
  listener: RequestListener,
  tls?: { key: string; cert: string },
): Promise<{ port: number; server: Server }> {
  const server = tls === undefined ? createServer(listener) : createTls(tls, listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return { port: typeof address === "object" && address !== null ? address.port : 0, server };
}

/** Names lead to the loopback, where the servers of the test are; the addresses that a name has are recorded as asked for. */
export function loopback(
  more: Partial<Network> & { readonly names?: Readonly<Record<string, readonly string[]>> } = {},
) {
  const asked: string[] = [];
  const network: Network = {
    resolve(host) {
      asked.push(host);
      return Promise.resolve(more.names?.[host] ?? ["127.0.0.1"]);
    },
    permits: ({ address }) => address === "127.0.0.1",
    ...(more.certificates === undefined ? {} : { certificates: more.certificates }),
  };
  return { network, asked };
}
