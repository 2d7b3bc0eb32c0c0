import { isIP } from "node:net";
import ipaddr from "ipaddr.js";

/** Public addresses that are not the public's: the wire server of Azure's virtual machines. */
const METADATA = new Set(["168.63.129.16"]);
const GLOBAL_UNICAST = ipaddr.parseCIDR("2000::/3");

/**
 * Whether an address belongs to the public internet. Private, loopback, link-local, shared (CGNAT), multicast, reserved and
 * documentation addresses do not, nor do IPv6 forms that carry an IPv4 address inside (RFC 6890, RFC 4291 §2.4).
 */
export function isPublic(address: string): boolean {
  // ipaddr.js also takes octal, hexadecimal and short forms; nobody else should have to.
  if (isIP(address) === 0 || METADATA.has(address)) return false;
  const parsed = ipaddr.parse(address);
  if (parsed.range() !== "unicast") return false;
  return parsed.kind() === "ipv4" || parsed.match(GLOBAL_UNICAST);
}
