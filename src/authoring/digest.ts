import { isScalar, parseDocument } from "yaml";
import type { Digest } from "../model/canonical.ts";
import { BugError } from "../model/errors.ts";

/** A manifest that names another component; everything but that one scalar stays as it is written. */
export function withDigest(manifest: string, digest: Digest): string {
  const scalar = parseDocument(manifest, { version: "1.2" }).getIn(["spec", "component", "digest"], true);
  if (!isScalar(scalar) || !scalar.range) {
    throw new BugError({
      code: "no-digest",
      message: "a manifest that was found valid has no `spec.component.digest`",
    });
  }
  if (scalar.value === digest) return manifest;
  const [start, end] = scalar.range;
  return `${manifest.slice(0, start)}${JSON.stringify(digest)}${manifest.slice(end)}`;
}
