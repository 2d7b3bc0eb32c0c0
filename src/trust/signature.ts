import type { Digest } from "../model/canonical.ts";
import { IntegrityError } from "../model/errors.ts";
import { PHASES, type Phase, ROLES, type Role } from "../model/phase.ts";
import type { Envelope } from "./dsse.ts";
import type { SigningKey } from "./ed25519.ts";
import { among, POWERS, type Power, powersOf } from "./scope.ts";
import { instant, readStatement, signStatement, toInstant } from "./statement.ts";

export const HOOK_SIGNATURE = "https://pinion.dev/hook-signature/v1";
/** The file beside a manifest that holds its signature: the envelope and a line end. */
export const SIGNATURE_FILE = "hook.sig";
/** No signature is larger. */
export const MAX_SIGNATURE_BYTES = 64 * 1024;

/** What a signature is about: the bytes, and what they say of themselves. */
export interface SignedHook {
  readonly name: string;
  readonly version: string;
  readonly manifest: Digest;
  readonly component: Digest;
  readonly role: Role;
  readonly phases: readonly Phase[];
  readonly world: string;
}

/** A signature whose form is right; nothing of it is verified. */
export interface HookSignature extends SignedHook {
  readonly powers: readonly Power[];
  /** ms since the epoch, as the signer says. */
  readonly signedAt: number;
  /** ms since the epoch; null: never. */
  readonly expires: number | null;
  /** The public key as text that the signature names. */
  readonly keyid: string;
  readonly envelope: Envelope;
}

/** The bytes of `hook.sig`. Times in ms since the epoch. */
export function signHook(
  key: SigningKey,
  { name, version, manifest, component, role, phases, world }: SignedHook,
  { signedAt, expires }: { readonly signedAt: number; readonly expires: number | null },
): Uint8Array {
  const line = signStatement(key, {
    subjects: { manifest, component },
    predicateType: HOOK_SIGNATURE,
    predicate: {
      name,
      version,
      role,
      phases,
      world,
      powers: powersOf(role, world),
      signedAt: instant(signedAt),
      ...(expires === null ? {} : { expires: instant(expires) }),
    },
  });
  return Buffer.from(`${line}\n`);
}

/** Throws `IntegrityError` for what `signHook` would not have written: every byte counts. `file`: for the message. */
export function readHookSignature(bytes: Uint8Array, file: string): HookSignature {
  const signature = bytes.length > MAX_SIGNATURE_BYTES ? undefined : parse(Buffer.from(bytes).toString("latin1"));
  if (signature !== undefined) return signature;
  throw new IntegrityError({
    code: "bad-signature",
    message: `\`${file}\` is not the signature of a hook: expected one DSSE envelope of \`${HOOK_SIGNATURE}\` in canonical form`,
    hint: "sign the hook again with `hook sign`, or get the file again from where it came from",
  });
}

function parse(text: string): HookSignature | undefined {
  const statement = text.endsWith("\n") ? readStatement(text.slice(0, -1), HOOK_SIGNATURE) : undefined;
  if (statement === undefined) return undefined;
  const { subjects, predicate, keyid, envelope } = statement;
  const { manifest, component, ...others } = subjects;
  const {
    name,
    version,
    world,
    expires: end,
    signedAt: begin,
    role: claimed,
    phases: used,
    powers: may,
    ...more
  } = predicate;
  const role = ROLES.find((one) => one === claimed);
  const phases = among(PHASES, used);
  const powers = among(POWERS, may);
  const signedAt = toInstant(begin);
  const expires = end === undefined ? null : toInstant(end);
  if (manifest === undefined || component === undefined || Object.keys({ ...others, ...more }).length > 0)
    return undefined;
  if (typeof name !== "string" || typeof version !== "string" || typeof world !== "string") return undefined;
  if (role === undefined || phases === undefined || powers === undefined) return undefined;
  if (signedAt === undefined || expires === undefined) return undefined;
  return { name, version, manifest, component, role, phases, world, powers, signedAt, expires, keyid, envelope };
}
