import { lookup } from "node:dns/promises";

/** How names become addresses, and which addresses may be reached. */
export interface Network {
  /** All addresses of a host name, the best first. */
  resolve(host: string): Promise<readonly string[]>;
  permits(target: { readonly address: string; readonly port: number }): boolean;
  /** Certificates to trust instead of the usual ones, PEM. */
  readonly certificates?: string;
}

/** The internet, with the ports that browsers use for pages. */
export function internet(isPublic: (address: string) => boolean): Network {
  return {
    async resolve(host) {
      const found = await lookup(host, { all: true, order: "verbatim" });
      return found.map(({ address }) => address);
    },
    permits: ({ address, port }) => isPublic(address) && (port === 80 || port === 443),
  };
}
