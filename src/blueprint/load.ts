import { basename, dirname } from "node:path";
import { canonicalJson, type Digest, digestOf } from "../model/canonical.ts";
import { InputError } from "../model/errors.ts";
import type { AgentBlueprint } from "../model/generated/blueprint.ts";
import { InvalidFileError } from "./fault.ts";
import { linkFindings } from "./links.ts";
import { readContained } from "./source.ts";
import { MAX_BYTES } from "./text.ts";
import { type LoadedDocument, loadDocument } from "./yaml.ts";

export interface LoadedBlueprint {
  readonly blueprint: AgentBlueprint;
  /** sha256 of the RFC 8785 form of the document as it was written: the digest of the blueprint. */
  readonly digest: Digest;
  /** The file's bytes, and their sha256, by which the store and a pin of this blueprint name it. */
  readonly bytes: Uint8Array;
  readonly bytesDigest: Digest;
  readonly document: LoadedDocument<AgentBlueprint>;
}

export interface BlueprintFile extends LoadedBlueprint {
  /** Absolute. */
  readonly path: string;
  readonly folder: string;
}

/**
 * Reads and validates a blueprint file (absolute path; the file itself must not be a link). Its pins are not looked at.
 * Throws `InputError` when there is no such file and `InvalidFileError` with everything that is wrong in it.
 */
export async function loadBlueprint(path: string): Promise<BlueprintFile> {
  const folder = dirname(path);
  const read = await readContained({ root: folder, parts: [basename(path)] }, MAX_BYTES);
  if (read.kind !== "bytes") throw new InputError({ code: "no-blueprint", message: read.reason });
  return { ...parseBlueprint(read.bytes, path), path, folder };
}

/** Validates the bytes of a blueprint; `file` is how faults call it. Throws `InvalidFileError`. */
export function parseBlueprint(bytes: Uint8Array, file: string): LoadedBlueprint {
  const document = loadDocument<AgentBlueprint>(bytes, { file, schema: "blueprint" });
  const faults = document.faults(linkFindings(document.value));
  if (faults.length > 0) throw new InvalidFileError(faults);
  const digest = digestOf(canonicalJson(document.raw));
  return { blueprint: document.value, digest, bytes, bytesDigest: digestOf(bytes), document };
}
