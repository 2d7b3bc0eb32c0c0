import { isIP } from "node:net";
import { domainToASCII } from "node:url";

/** One form for all spellings of a host: lower case, Punycode (RFC 3492) for what is not ASCII, no dot at its end. */
export function canonicalHost(host: string): string {
  const plain = host.toLowerCase();
  return (domainToASCII(plain) || plain).replace(/\.+$/, "");
}

/**
 * `example.com`, or `*.example.com`: below it, at any depth, not itself; or `*`: every name. An address is no name: it is
 * allowed only where it is listed itself, since what is denied by name could be reached by it.
 */
export function domainMatches(domain: string, host: string): boolean {
  if (isIP(host) !== 0) return host === domain;
  if (domain === "*") return host !== "";
  return covers(domain, host);
}

/** The same for denials, where `*` stands for addresses too, and every spelling of the host counts. */
export function domainDenied(domain: string, host: string): boolean {
  return domain === "*" || covers(canonicalHost(domain), canonicalHost(host));
}

function covers(domain: string, host: string): boolean {
  if (!domain.startsWith("*.")) return host === domain;
  const suffix = domain.slice(1);
  return host.endsWith(suffix) && host.length > suffix.length;
}
