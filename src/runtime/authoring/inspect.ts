import { basename } from "node:path";
import { MAX_ARTIFACT_BYTES } from "../../artifact/store.ts";
import { checkComponent, loadManifest, readComponent } from "../../blueprint/manifest.ts";
import { type Digest, digestOf } from "../../model/canonical.ts";
import { EXIT, type ExitCode } from "../../model/errors.ts";
import type { HookAuthority, HookLimits, InstanceLife } from "../../model/hook.ts";
import type { Phase, Role, Tier } from "../../model/phase.ts";
import { type ComponentFacts, inspectComponent } from "../../sandbox/inspection.ts";
import type { Environment } from "../machine.ts";
import { type HookVerification, lookAtSignature } from "../trust/sign.ts";
import { manifestPath, readBytes } from "./locate.ts";

/** What `hook inspect --json` prints, without `exit`. `manifest` is absent for a component by itself. */
export type HookInspection = {
  readonly file: string;
  readonly digest: Digest;
  readonly bytes: number;
  readonly exit: ExitCode;
  readonly manifest?: ManifestView;
} & (({ readonly ok: true } & ComponentFacts) | { readonly ok: false; readonly refused: string });

export interface ManifestView {
  readonly name: string;
  readonly version: string;
  /** What a blueprint pins. */
  readonly digest: Digest;
  readonly role: Role;
  /** What a blueprint gets that pins the signature, where there is one; hooks are sandboxed otherwise. */
  readonly tier: Tier;
  /** Of the `hook.sig` beside the manifest; null where there is none. */
  readonly signature: Pick<HookVerification, "signature" | "signer" | "why"> | null;
  readonly phases: readonly Phase[];
  readonly instance: InstanceLife;
  readonly limits: HookLimits;
  readonly authority: HookAuthority;
}

/**
 * Looks at a component, or at a manifest and its component. Nothing of it runs, and it is read in a confined process. That it
 * may not be used is an answer. Throws `InputError` for files that cannot be read and `IntegrityError` when the component is not the one
 * that the manifest names.
 */
export async function inspectHook(given: string, env: Environment): Promise<HookInspection> {
  const path = manifestPath(env.cwd, given);
  if (/\.ya?ml$/.test(path)) {
    const file = await loadManifest(path);
    const bytes = await readComponent(file);
    checkComponent(file, bytes);
    const { metadata, spec } = file.manifest;
    const { role, phases, instance, limits, authority } = spec;
    const about = { name: metadata.name, version: metadata.version, digest: file.digest };
    const signed = await lookAtSignature(path, env);
    const signature = signed === null ? null : { signature: signed.signature, signer: signed.signer, why: signed.why };
    const tier = signed?.trusted === true ? "trusted" : "sandboxed";
    const manifest: ManifestView = { ...about, role, tier, signature, phases, instance, limits, authority };
    return { ...(await look(spec.component.file, bytes)), manifest };
  }
  return look(basename(path), readBytes(env.cwd, given, MAX_ARTIFACT_BYTES));
}

async function look(file: string, bytes: Uint8Array): Promise<HookInspection> {
  const found = await inspectComponent(process.execPath, bytes, new AbortController().signal);
  const about = { file, digest: digestOf(bytes), bytes: bytes.length };
  if (found.ok) return { ...about, ok: true, ...found.facts, exit: EXIT.ok };
  return { ...about, ok: false, refused: found.detail, exit: EXIT.usage };
}
