import { readFileSync } from "node:fs";
import { findPackageJSON } from "node:module";

/** The version in the package.json above this file, in a checkout as in a published package. */
export function version(): string {
  const file = findPackageJSON(".", import.meta.url);
  return (JSON.parse(readFileSync(file ?? "package.json", "utf8")) as { version: string }).version;
}
