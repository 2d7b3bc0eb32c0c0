import { expect, test } from "vitest";
import { covers } from "../../../src/capability/lease/capability.ts";
import { parseCapability } from "../../../src/capability/lease/uri.ts";
import { requestNeed } from "../../../src/tool/http/need.ts";

const PUBLIC = "capability://http/example.org/public/**?action=get";

test.each([
  ["https://example.org/public", true],
  ["https://example.org/public/", true],
  ["https://EXAMPLE.org/public/a%20b?all=1#there", true],
  ["https://example.org/publicity", false],
  ["https://example.org/", false],
  ["https://example.org.evil.net/public", false],
  ["https://public.example.org/public", false],
  ["https://example.org/public/../private", false],
  ["https://example.org/public/%2e%2e/private", false],
  // A server may read these as another path: nothing but the whole host covers them.
  ["https://example.org/public/..%2Fprivate", false],
  ["https://example.org/public//private", false],
  ["https://example.org/public/..%5Cprivate", false],
  ["https://example.org/public/%FF", false],
])("a lease for the folder `public` of a host and %s", (url, covered) => {
  const need = requestNeed(new URL(url), "GET");
  expect(covers(parseCapability(PUBLIC, "here"), need)).toBe(covered);
  const host = url.includes("evil") || url.includes("public.example");
  expect(covers(parseCapability("capability://http/example.org/**?action=get", "here"), need)).toBe(!host);
  expect(covers(parseCapability("capability://http/**?action=post", "here"), need)).toBe(false);
});
