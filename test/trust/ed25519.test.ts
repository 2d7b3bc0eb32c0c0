import { verify as nodeVerify } from "node:crypto";
import { Point } from "@noble/ed25519";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InputError } from "../../src/model/errors.ts";
import { isSignedBy, parsePublicKey, publicKeyOf, signingKey } from "../../src/trust/ed25519.ts";
import { runs, seed } from "../support/property.ts";

const hex = (text: string) => new Uint8Array(Buffer.from(text, "hex"));
/** RFC 8032 §7.1: secret, public key, message, signature. */
const VECTORS = [
  [
    "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    "",
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
  ],
  [
    "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
    "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
    "72",
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
  ],
] as const;
/** The order of the base point, little-endian. */
const L = 2n ** 252n + 27742317777372353535851937790883648493n;
/** y of the points of order 1, 2, 4, 8. */
const SMALL = [
  `01${"00".repeat(31)}`,
  `ec${"ff".repeat(30)}7f`,
  "00".repeat(32),
  `${"00".repeat(31)}80`,
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
];

const scalar = (bytes: Uint8Array) => BigInt(`0x${Buffer.from(bytes).reverse().toString("hex")}`);
const little = (value: bigint) => Buffer.from(value.toString(16).padStart(64, "0"), "hex").reverse();
const message = Buffer.from("what was signed");
const key = signingKey(hex(VECTORS[0][0]));
const signature = key.sign(message);

describe("Ed25519", () => {
  it.each(VECTORS)("signs and verifies as RFC 8032 §7.1 does: %s", (secret, publicKey, text, expected) => {
    const signing = signingKey(hex(secret));
    expect(signing.publicKey.text).toBe(`ed25519:${publicKey}`);
    expect(Buffer.from(signing.sign(hex(text))).toString("hex")).toBe(expected);
    expect(isSignedBy(parsePublicKey(`ed25519:${publicKey}`), hex(text), hex(expected))).toBe(true);
  });

  it("takes what it signed and nothing that differs in a bit", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(), (text, n) => {
        const signed = key.sign(text);
        expect(isSignedBy(key.publicKey, text, signed)).toBe(true);
        const flipped = Uint8Array.from(signed, (byte, i) => (i === n % 64 ? byte ^ (1 << (n % 8)) : byte));
        expect(isSignedBy(key.publicKey, text, flipped)).toBe(false);
        expect(isSignedBy(key.publicKey, Buffer.concat([text, Buffer.of(0)]), signed)).toBe(false);
      }),
      { seed, numRuns: runs(20, 500) },
    );
  });

  it("S2 refuses the same signature with S + L", () => {
    const more = Buffer.concat([signature.subarray(0, 32), little(scalar(signature.subarray(32)) + L)]);
    expect(isSignedBy(key.publicKey, message, more)).toBe(false);
  });

  it("S3 refuses an R and a key that are not in canonical form", () => {
    // y = 1 + p encodes the same point as y = 1.
    const beyond = `ee${"ff".repeat(30)}7f`;
    expect(isSignedBy(key.publicKey, message, Buffer.concat([hex(beyond), signature.subarray(32)]))).toBe(false);
    for (const bytes of [beyond, "ff".repeat(32), `01${"00".repeat(30)}80`]) {
      expect(() => publicKeyOf(hex(bytes))).toThrow("canonical form");
    }
  });

  it("S4 refuses bytes behind a signature, and less than one", () => {
    for (const other of [Buffer.concat([signature, Buffer.of(0)]), signature.subarray(0, 63), new Uint8Array()]) {
      expect(isSignedBy(key.publicKey, message, other)).toBe(false);
    }
  });

  it.each(SMALL)("S1 refuses the key %s of small order when it is imported, and a forgery under it", (bytes) => {
    expect(() => publicKeyOf(hex(bytes))).toThrow(InputError);
    // R = the identity and S = 0 fit every message where A has small order.
    const forged = Buffer.concat([hex(SMALL[0] ?? ""), Buffer.alloc(32)]);
    const unchecked = { kind: "ed25519", text: `ed25519:${bytes}`, bytes: hex(bytes) } as const;
    for (const text of ["a", "b", "c", "d", "e", "f", "g", "h"]) {
      expect(isSignedBy(unchecked, Buffer.from(text), forged)).toBe(false);
    }
  });

  it("S1 refuses a key with a part of small order", () => {
    const mixed = Point.fromBytes(key.publicKey.bytes).add(Point.fromBytes(hex(SMALL[4] ?? "")));
    expect(() => publicKeyOf(mixed.toBytes())).toThrow("a part of it is of small order");
  });

  it.each(["", "ed25519:", `ed25519:${"AB".repeat(32)}`, `ED25519:${"ab".repeat(32)}`, `ed25519:${"ab".repeat(33)}`])(
    "does not read `%s` as a key",
    (text) => {
      expect(() => parsePublicKey(text)).toThrow("64 lower-case hex digits");
    },
  );

  it("signs what the verifier of this Node takes, too", () => {
    const x = Buffer.from(key.publicKey.bytes).toString("base64url");
    const jwk = { key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" } as const;
    expect(nodeVerify(null, message, jwk, signature)).toBe(true);
  });
});
