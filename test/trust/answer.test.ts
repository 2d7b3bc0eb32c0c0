import { expect, it } from "vitest";
import type { AnswerStatement } from "../../src/model/approval.ts";
import { digestOf } from "../../src/model/canonical.ts";
import type { JsonObject } from "../../src/model/json.ts";
import { signAnswer, signersOfAnswer } from "../../src/trust/answer.ts";
import { signEnvelope } from "../../src/trust/dsse.ts";
import { signingKey } from "../../src/trust/ed25519.ts";

const alice = signingKey(new Uint8Array(32).fill(1));
const mallory = signingKey(new Uint8Array(32).fill(2));
const STATEMENT: AnswerStatement = {
  run: "r1",
  approval: "a1",
  action: digestOf("action"),
  answer: { approve: true, scope: "once" },
};

it("names who signed exactly this answer", () => {
  expect(signersOfAnswer(signAnswer(alice, STATEMENT, 5), STATEMENT)).toEqual([alice.publicKey.text]);
});

it.each<readonly [string, JsonObject]>([
  ["of another run", { run: "r2" }],
  ["to another approval", { approval: "a2" }],
  ["about another action", { action: digestOf("other") }],
  ["of a wider scope", { answer: { approve: true, scope: "run" } }],
  ["that denies", { answer: { approve: false, reason: "no" } }],
])("A9 a signed answer %s counts for nobody", (_, changed) => {
  expect(signersOfAnswer(signAnswer(alice, { ...STATEMENT, ...changed } as AnswerStatement, 5), STATEMENT)).toEqual([]);
});

it("A9 nobody signs in another's name, in another form or as another type", () => {
  const envelope = signAnswer(mallory, STATEMENT, 5);
  const [signature] = envelope.signatures as readonly JsonObject[];
  const forged = { ...envelope, signatures: [{ ...signature, keyid: alice.publicKey.text }] };
  expect(signersOfAnswer(forged, STATEMENT)).toEqual([]);
  expect(signersOfAnswer({ ...envelope, more: 1 }, STATEMENT)).toEqual([]);
  expect(signersOfAnswer({}, STATEMENT)).toEqual([]);
  const text = Buffer.from(JSON.stringify({ at: 5, ...STATEMENT }));
  const loose = JSON.parse(signEnvelope(alice, "application/vnd.pinion.answer+json", text)) as JsonObject;
  expect(signersOfAnswer(loose, STATEMENT)).toEqual([]);
  const other = JSON.parse(signEnvelope(alice, "application/vnd.pinion.checkpoint+json", text)) as JsonObject;
  expect(signersOfAnswer(other, STATEMENT)).toEqual([]);
});
