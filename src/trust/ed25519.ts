import { createHash, createPrivateKey, sign as nodeSign } from "node:crypto";
import { hashes, verify as nobleVerify, Point } from "@noble/ed25519";
import { InputError } from "../model/errors.ts";

// INVARIANT: the only place where a signature is verified. What `node:crypto` accepts differs between builds of Node: some take
// a forgery over any message for the identity key. It signs here (the same bytes everywhere, RFC 8032 §5.1.6), it never verifies.
hashes.sha512 = (message) => new Uint8Array(createHash("sha512").update(message).digest());

const KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;
const TEXT = /^ed25519:([0-9a-f]{64})$/;
/** RFC 8410 §7: what stands before the 32 bytes of a private key. */
const PKCS8 = Buffer.from("302e020100300506032b657004220420", "hex");

/** An Ed25519 public key that was looked at: canonical, and of the group of prime order. */
export interface PublicKey {
  readonly kind: "ed25519";
  /** `ed25519:` and 64 lower-case hex digits: how people and files name it. */
  readonly text: string;
  readonly bytes: Uint8Array;
}

export interface SigningKey {
  readonly publicKey: PublicKey;
  /** The 64 bytes of the signature. */
  sign(message: Uint8Array): Uint8Array;
}

/**
 * The key with these 32 bytes. Throws `InputError` for another length, an encoding that is not canonical (RFC 8032 §5.1.3 with
 * y < p and no sign on x = 0), what is no point, and points of small order or with a part of small order, under which one
 * signature may fit many messages.
 */
export function publicKeyOf(bytes: Uint8Array): PublicKey {
  const why = whyUnusable(bytes);
  if (why !== undefined) {
    throw new InputError({
      code: "bad-public-key",
      message: `\`ed25519:${Buffer.from(bytes).toString("hex").slice(0, 64)}\` is not a usable Ed25519 public key: ${why}`,
    });
  }
  const own = new Uint8Array(bytes);
  return { kind: "ed25519", text: `ed25519:${Buffer.from(own).toString("hex")}`, bytes: own };
}

/** The key that `text` writes. Throws `InputError` as `publicKeyOf` does, and for another form. */
export function parsePublicKey(text: string): PublicKey {
  const hex = TEXT.exec(text)?.[1];
  if (hex !== undefined) return publicKeyOf(Buffer.from(hex, "hex"));
  throw new InputError({
    code: "bad-public-key",
    message: `expected a public key as \`ed25519:\` and 64 lower-case hex digits, found \`${text.slice(0, 100)}\``,
  });
}

/** Signs with the key whose RFC 8032 secret (32 random bytes) is `seed`. */
export function signingKey(seed: Uint8Array): SigningKey {
  const privateKey = createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: "der", type: "pkcs8" });
  const { x } = privateKey.export({ format: "jwk" });
  return {
    publicKey: publicKeyOf(Buffer.from(x ?? "", "base64url")),
    sign: (message) => new Uint8Array(nodeSign(null, message, privateKey)),
  };
}

/**
 * Whether `signature` is `key`'s over `message`, strictly: false for S ≥ L, an R that is not canonical, trailing bytes, and
 * everything else that is malformed. Never throws. About 3 ms.
 */
export function isSignedBy(key: PublicKey, message: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== SIGNATURE_BYTES) return false;
  return nobleVerify(new Uint8Array(signature), new Uint8Array(message), new Uint8Array(key.bytes), { zip215: false });
}

function whyUnusable(bytes: Uint8Array): string | undefined {
  if (bytes.length !== KEY_BYTES) return `expected ${KEY_BYTES} bytes, found ${bytes.length}`;
  let point: Point;
  try {
    point = Point.fromBytes(new Uint8Array(bytes), false);
  } catch {
    return "it encodes no point of the curve in canonical form";
  }
  if (point.isSmallOrder()) return "it is of small order";
  return point.isTorsionFree() ? undefined : "a part of it is of small order";
}
