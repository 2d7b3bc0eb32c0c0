import { basename, dirname } from "node:path";
import { type Digest, digestOf } from "../model/canonical.ts";
import { InputError, IntegrityError } from "../model/errors.ts";
import type { HookManifest } from "../model/generated/hook.ts";
import type { HookAuthority, PinnedHook } from "../model/hook.ts";
import type { JsonObject } from "../model/json.ts";
import { InvalidFileError } from "./fault.ts";
import { manifestFindings } from "./hooks.ts";
import { validatorOfOutside } from "./schema.ts";
import { readContained } from "./source.ts";
import { MAX_BYTES } from "./text.ts";
import { type LoadedDocument, loadDocument } from "./yaml.ts";

/** A manifest by itself, as its author has it: no blueprint pins it yet. */
export interface ManifestFile {
  readonly path: string;
  readonly folder: string;
  readonly text: string;
  readonly digest: Digest;
  readonly manifest: HookManifest;
}

/** Throws `InputError` when there is no such file and `InvalidFileError` with everything that is wrong in it. */
export async function loadManifest(path: string): Promise<ManifestFile> {
  const folder = dirname(path);
  const read = await readContained({ root: folder, parts: [basename(path)] }, MAX_BYTES);
  if (read.kind !== "bytes") {
    throw new InputError({ code: "no-manifest", message: read.reason, hint: "`hook new` makes one, with a source" });
  }
  return parseManifest(read.bytes, path);
}

/** A manifest by its bytes; `path` is what it is called. Throws `InvalidFileError` with everything that is wrong in it. */
export function parseManifest(bytes: Uint8Array, path: string): ManifestFile {
  const document = loadDocument<HookManifest>(bytes, { file: path, schema: "hook" });
  const faults = document.faults(manifestFindings(document.value));
  if (faults.length > 0) throw new InvalidFileError(faults);
  const text = Buffer.from(bytes).toString("utf8");
  return { path, folder: dirname(path), text, digest: digestOf(bytes), manifest: document.value };
}

/** The component beside a manifest, whatever its digest is. Throws `InputError` when there is none. */
export async function readComponent({ folder, manifest }: ManifestFile): Promise<Uint8Array> {
  const read = await readContained({ root: folder, parts: [manifest.spec.component.file] });
  if (read.kind === "bytes") return read.bytes;
  throw new InputError({
    code: "no-component",
    message: `the component of \`${manifest.metadata.name}\` cannot be read: ${read.reason}`,
    hint: "`hook build` makes it from its source",
  });
}

/** Throws `IntegrityError` when a component is not the one that its manifest names. */
export function checkComponent({ path, manifest }: ManifestFile, bytes: Uint8Array): void {
  const { file, digest } = manifest.spec.component;
  const found = digestOf(bytes);
  if (found === digest) return;
  throw new IntegrityError({
    code: "component-digest",
    message: `\`${file}\` is not the component that \`${path}\` names: expected \`${digest}\`, found \`${found}\``,
    hint: "`hook build` builds it again and writes its digest into the manifest",
  });
}

/** A mapping that is still to be checked: of a file in YAML or JSON, or one that was given without a file. */
export interface Given {
  readonly value: JsonObject;
  readonly document?: LoadedDocument<JsonObject>;
}

/** Reads a configuration or a payload from YAML or JSON. Throws `InvalidFileError`. */
export function loadGiven(bytes: Uint8Array, file: string): Given {
  const document = loadDocument<JsonObject>(bytes, { file, schema: MAPPING });
  return { value: document.raw, document };
}

const MAPPING: JsonObject = { type: "object" };

/**
 * The hook as a run would have it, with a configuration that fits the manifest's schema and its defaults filled in.
 * Throws `InputError` or `InvalidFileError` when it does not fit.
 */
export function bindHook(file: ManifestFile, given: Given, authority: HookAuthority): PinnedHook {
  const { metadata, spec } = file.manifest;
  const config = structuredClone(given.value);
  const { document } = given;
  const sourceOf = (pointer: string) => document?.sourceOf(pointer);
  const findings = validatorOfOutside(spec.config)(config, { sourceOf, base: "" });
  if (findings.length > 0 && document !== undefined) throw new InvalidFileError(document.faults(findings));
  if (findings.length > 0) {
    throw new InputError({
      code: "bad-config",
      message: `the configuration does not fit \`${metadata.name}\`: ${findings.map((one) => one.message).join("; ")}`,
      hint: "give one with `--config FILE`",
    });
  }
  return {
    name: metadata.name,
    version: metadata.version,
    digest: file.digest,
    component: spec.component.digest,
    world: spec.world,
    role: spec.role,
    tier: "sandboxed",
    signature: null,
    signer: null,
    phases: spec.phases,
    config,
    instance: spec.instance,
    limits: spec.limits,
    authority,
  };
}
