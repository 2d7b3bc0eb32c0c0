import type { Need } from "../../model/lease.ts";
import { hostOf } from "./target.ts";

export const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] as const;

/**
 * What a request touches, as leases are asked about it: its host, and the path of the URL in decoded segments. A path that could be
 * read in several ways, such as one with an encoded slash or two slashes in a row, is taken for all of its host.
 */
export function requestNeed(url: URL, method: string): Need {
  const host = hostOf(url);
  const path = segmentsOf(url.pathname);
  return { resource: "http", action: method.toLowerCase(), path: [host, ...(path ?? [])], deep: path === undefined };
}

function segmentsOf(pathname: string): readonly string[] | undefined {
  const segments = pathname.replace(/^\//, "").replace(/\/$/, "").split("/");
  if (segments.length === 1 && segments[0] === "") return [];
  try {
    const decoded = segments.map(decodeURIComponent);
    return decoded.some((segment) => /^\.{0,2}$|[/\\\0]/.test(segment)) ? undefined : decoded;
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}
