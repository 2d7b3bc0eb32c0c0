import { resolve as absolute, relative } from "node:path";
import { replaceFile } from "../../authoring/replace.ts";
import { checkComponent, loadManifest, type ManifestFile, readComponent } from "../../blueprint/manifest.ts";
import { readContained } from "../../blueprint/source.ts";
import { type Digest, digestOf } from "../../model/canonical.ts";
import { EXIT, type ExitCode, IntegrityError } from "../../model/errors.ts";
import type { Phase } from "../../model/phase.ts";
import { type DistrustCode, decideTrust } from "../../trust/decide.ts";
import type { SigningKey } from "../../trust/ed25519.ts";
import type { Power } from "../../trust/scope.ts";
import {
  MAX_SIGNATURE_BYTES,
  readHookSignature,
  SIGNATURE_FILE,
  type SignedHook,
  signHook,
} from "../../trust/signature.ts";
import { instant } from "../../trust/statement.ts";
import { manifestPath } from "../authoring/locate.ts";
import type { Environment } from "../machine.ts";
import { readKeyring } from "./keyring.ts";
import { recall } from "./memory.ts";
import { circumstances } from "./trust.ts";

/** What `hook sign --json` prints: the pin of a blueprint, and what was signed. */
export interface SignedPin {
  readonly name: string;
  readonly version: string;
  /** Of the manifest. */
  readonly digest: Digest;
  readonly signature: Digest;
  /** The manifest, relative to the current folder; in a blueprint it is relative to that. */
  readonly source: string;
  readonly file: string;
  readonly key: string;
  readonly signedAt: string;
  readonly expires: string | null;
}

/** A hook whose bytes are what its manifest says. */
export interface Signable {
  readonly hook: SignedHook;
  readonly manifest: ManifestFile;
}

/** Throws `InputError` for files that cannot be read or are not right, `IntegrityError` for a component that is not the manifest's. */
export async function readSignable(given: string, env: Environment): Promise<Signable> {
  const manifest = await loadManifest(manifestPath(env.cwd, given));
  checkComponent(manifest, await readComponent(manifest));
  const { metadata, spec } = manifest.manifest;
  const { role, phases, world, component } = spec;
  const { name, version } = metadata;
  return {
    manifest,
    hook: { name, version, manifest: manifest.digest, component: component.digest, role, phases, world },
  };
}

/** Signs a hook: writes `hook.sig` beside its manifest, in place of one that is there. `lastsMs`: how long it holds; for ever unless given. */
export async function signHookFile(
  { hook, manifest }: Signable,
  key: SigningKey,
  lastsMs: number | undefined,
  env: Environment,
): Promise<SignedPin> {
  const signedAt = env.now();
  const expires = lastsMs === undefined ? null : signedAt + lastsMs;
  const bytes = signHook(key, hook, { signedAt, expires });
  const file = absolute(manifest.folder, SIGNATURE_FILE);
  await replaceFile(file, bytes);
  return {
    name: hook.name,
    version: hook.version,
    digest: hook.manifest,
    signature: digestOf(bytes),
    source: relative(env.cwd, manifest.path),
    file,
    key: key.publicKey.text,
    signedAt: instant(signedAt),
    expires: expires === null ? null : instant(expires),
  };
}

/** What `hook verify --json` prints. */
export interface HookVerification {
  readonly hook: string;
  readonly version: string;
  /** What a blueprint pins. */
  readonly digest: Digest;
  readonly signature: Digest;
  readonly trusted: boolean;
  /** Why it is not. */
  readonly code: DistrustCode | null;
  readonly why: string | null;
  readonly signer: { readonly key: string; readonly id: string | null; readonly owner: string | null };
  readonly phases: readonly Phase[];
  readonly powers: readonly Power[];
  readonly signedAt: string;
  readonly expires: string | null;
  readonly exit: ExitCode;
}

/**
 * Whether a blueprint that pins this hook with its signature would run it as trusted, here and now. That it would not is an answer.
 * Throws `InputError` where there is no signature, `IntegrityError` for one that is none.
 */
export async function verifyHookFile(given: string, env: Environment): Promise<HookVerification> {
  const { hook, manifest } = await readSignable(given, env);
  const bytes = await readSignature(manifest.folder);
  const signature = readHookSignature(bytes, absolute(manifest.folder, SIGNATURE_FILE));
  const keyring = readKeyring(env);
  const memory = recall(env);
  const at = Math.max(env.now(), memory.time);
  const trust = decideTrust(hook, signature, circumstances({ hook, signature }, { keyring, at, memory }));
  const key = keyring.keys.get(signature.keyid);
  const trusted = trust.kind === "trusted";
  return {
    hook: hook.name,
    version: hook.version,
    digest: hook.manifest,
    signature: digestOf(bytes),
    trusted,
    code: trust.kind === "trusted" ? null : trust.code,
    why: trust.kind === "trusted" ? null : trust.why,
    signer: { key: signature.keyid, id: key?.id ?? null, owner: key?.owner ?? null },
    phases: signature.phases,
    powers: signature.powers,
    signedAt: instant(signature.signedAt),
    expires: signature.expires === null ? null : instant(signature.expires),
    exit: trusted ? EXIT.ok : EXIT.integrity,
  };
}

/** The same of a hook that may bear no signature; null then. */
export async function lookAtSignature(given: string, env: Environment): Promise<HookVerification | null> {
  try {
    return await verifyHookFile(given, env);
  } catch (error) {
    if (error instanceof IntegrityError && error.code === "no-signature") return null;
    throw error;
  }
}

async function readSignature(folder: string): Promise<Uint8Array> {
  const read = await readContained({ root: folder, parts: [SIGNATURE_FILE] }, MAX_SIGNATURE_BYTES);
  if (read.kind === "bytes") return read.bytes;
  if (read.kind === "refused") throw new IntegrityError({ code: "bad-signature", message: read.reason });
  throw new IntegrityError({
    code: "no-signature",
    message: `the hook is not signed: ${read.reason}`,
    hint: "sign it with `hook sign MANIFEST --key FILE`, or get the signature from whoever did",
  });
}
