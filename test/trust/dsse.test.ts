import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/model/json.ts";
import { toCheckpoint } from "../../src/trust/checkpoint.ts";
import { isEnvelopeSignedBy, preAuthEncoding, signEnvelope, toEnvelope } from "../../src/trust/dsse.ts";
import { signingKey } from "../../src/trust/ed25519.ts";

const TYPE = "application/vnd.pinion.test+json";
const key = signingKey(Buffer.alloc(32, 7));
const other = signingKey(Buffer.alloc(32, 8));
const signed = (): JsonObject => JSON.parse(signEnvelope(key, TYPE, Buffer.from('{"a":1}')));
const envelope = (json: JsonObject) => toEnvelope(json) ?? expect.fail("no envelope");

describe("a DSSE envelope", () => {
  it("signs the pre-authentication encoding of the specification", () => {
    // From the protocol's own description: github.com/secure-systems-lab/dsse/blob/master/protocol.md
    const encoded = preAuthEncoding("http://example.com/HelloWorld", Buffer.from("hello world"));
    expect(Buffer.from(encoded).toString()).toBe("DSSEv1 29 http://example.com/HelloWorld 11 hello world");
    expect(Buffer.from(preAuthEncoding("é", Buffer.of(0xff))).toString("latin1")).toBe("DSSEv1 2 Ã© 1 ÿ");
  });

  it("is its signer's, and nobody else's", () => {
    expect(isEnvelopeSignedBy(key.publicKey, envelope(signed()))).toBe(true);
    expect(isEnvelopeSignedBy(other.publicKey, envelope(signed()))).toBe(false);
  });

  it("S6 does not hold for another payload type, or another payload", () => {
    expect(isEnvelopeSignedBy(key.publicKey, envelope({ ...signed(), payloadType: "text/plain" }))).toBe(false);
    const payload = Buffer.from('{"a":2}').toString("base64");
    expect(isEnvelopeSignedBy(key.publicKey, envelope({ ...signed(), payload }))).toBe(false);
    expect(toCheckpoint(signed())).toBeUndefined();
  });

  it("S8 is not verified with a key that its signature does not name", () => {
    const [one] = signed().signatures as readonly JsonObject[];
    const renamed = { ...signed(), signatures: [{ ...one, keyid: other.publicKey.text }] };
    expect(isEnvelopeSignedBy(key.publicKey, envelope(renamed))).toBe(false);
    expect(isEnvelopeSignedBy(other.publicKey, envelope(renamed))).toBe(false);
  });

  it.each<[string, (json: JsonObject) => unknown]>([
    ["another member", (json) => ({ ...json, note: 1 })],
    ["a member less", ({ payload, payloadType }) => ({ payload, payloadType })],
    ["no signature", (json) => ({ ...json, signatures: [] })],
    ["a signature that is none", (json) => ({ ...json, signatures: [1] })],
    ["a signature with another member", (json) => ({ ...json, signatures: [{ keyid: "", sig: "", note: "" }] })],
    ["seventeen signatures", (json) => ({ ...json, signatures: Array(17).fill({ keyid: "", sig: "" }) })],
    ["base64 with stray bits", (json) => ({ ...json, payload: "eyJhIjoxfR==" })],
    ["base64 without padding", (json) => ({ ...json, payload: String(json.payload).replace(/=+$/, "").concat("x") })],
    ["a list", () => []],
    ["null", () => null],
  ])("is not read with %s", (_, change) => {
    expect(toEnvelope(change(signed()) as JsonObject)).toBeUndefined();
  });
});
