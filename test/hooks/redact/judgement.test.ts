import { describe, expect, it } from "vitest";
import { canonicalJson } from "../../../src/model/canonical.ts";
import { KEY, redacted, redactor } from "./redactor.ts";

describe("what looks like a secret and is none", () => {
  it.each([
    [
      "digests and identifiers",
      "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 run 01JD3Z8Q7W5V9X2M4N6P8R0S1T 550e8400-e29b-41d4-a716-446655440000",
    ],
    ["a commit", "da39a3ee5e6b4b0d3255bfef95601890afd80709"],
    [
      "numbers of all kinds",
      "1732153800000 1732153800000000000 3.4111111111111111 4111111111111112 0.4111111111111111 +33 6 12 34 56 78",
    ],
    ["types and calls", "password: string; const token = await readToken(); apiKey?: string; function f(secret) {}"],
    [
      "references",
      "password=${PASSWORD} token: <your-token-1> secret = process.env.SECRET1 PASSWORD=$(cat x1) key={{ .Values.token1 }}",
    ],
    [
      "words with hyphens",
      "task-force-2024-report-final-version sk-learn-and-other-libraries risk-1234-abcdefghijklmnop",
    ],
    ["a public key", "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A\n-----END PUBLIC KEY-----"],
    ["a mail address, unless asked for", "bob@example.org"],
    ["a URL without a password", "https://bob@example.org:8080/a:b@c http://localhost:3000/@scope/x"],
  ])("%s", async (_, text) => {
    expect(redacted(await redactor(), text)).toBe(canonicalJson({ value: text }));
  });
});

describe("what the kernel wrote itself", () => {
  const KERNELS = {
    agent: { name: "reviewer2x", blueprint: `sha256:${"4111".repeat(16)}` },
    model: { id: "reviewer2x" },
    child: "reviewer2x",
  };

  it("stays as it is, also where a value that was seen looks like it", async () => {
    const one = await redactor();
    redacted(one, { password: "reviewer2x" });
    const answer = one.handle("pre-send", canonicalJson({ ...KERNELS, system: "reviewer2x" }));
    expect(JSON.parse(answer.payload ?? "")).toEqual({ ...KERNELS, system: "[REDACTED:password:1]" });
  });

  it("is only what stands at the top of a payload", async () => {
    const out = redacted(await redactor(), { agent: KEY, messages: [{ child: KEY, model: { agent: KEY } }] });
    expect(out).not.toContain("AKIA");
  });

  it("is no argument of a call", async () => {
    const one = await redactor();
    for (const name of ["agent", "model", "child"]) {
      const answer = one.handle("pre-tool", canonicalJson({ ...KERNELS, call: { arguments: { [name]: KEY } } }));
      expect(answer).toMatchObject({ decision: "block", rationale: expect.stringContaining(`argument \`${name}\``) });
    }
  });
});

describe("calls", () => {
  it.each([
    ["text", { path: "a", text: [`x ${KEY}`] }],
    ["text", { path: "a", text: { deep: [1, { [KEY]: 1 }] } }],
    ["text", { "a b": "c", text: "[REDACTED:jwt:7]" }],
  ])("are blocked for what is anywhere in the argument `%s`", async (name, args) => {
    const answer = (await redactor()).handle("pre-tool", canonicalJson({ call: { arguments: args } }));
    expect(answer).toMatchObject({ decision: "block", payload: undefined });
    expect(answer.rationale).toContain(`argument \`${name}\``);
    expect(answer.rationale).not.toContain("AKIA");
  });

  it("are blocked for a name too, which is not repeated", async () => {
    const answer = (await redactor()).handle("pre-tool", canonicalJson({ call: { arguments: { [KEY]: 1 } } }));
    expect(answer.rationale).toMatch(/^an argument holds a secret/);
  });

  it("are blocked for a secret in another form that was seen before", async () => {
    const one = await redactor();
    redacted(one, KEY);
    const content = Buffer.from(`key: ${KEY}`).toString("base64");
    expect(one.handle("pre-tool", canonicalJson({ call: { arguments: { content } } })).decision).toBe("block");
  });
});

describe("secrets side by side", () => {
  it.each([
    [`${KEY}sk-abcdefghijklmnopqrstuvwx1`, "[REDACTED:aws-access-key:1][REDACTED:openai-key:1]"],
    [`${KEY}-----BEGIN PRIVATE KEY-----`, "[REDACTED:aws-access-key:1][REDACTED:private-key:1]"],
    [`token = f1oooo.${KEY}(x)`, "token = f1oooo.[REDACTED:aws-access-key:1](x)"],
    [
      "-----BEGIN PRIVATE KEY-----x-----END PRIVATE KEY-----4111-1111-1111-1111",
      "[REDACTED:private-key:1][REDACTED:card:1]",
    ],
    [`password: abc1-${KEY}`, "password: [REDACTED:password:1]"],
    [`password: "${KEY}"`, 'password: "[REDACTED:aws-access-key:1]"'],
    [`password: "abc ${KEY}"`, 'password: "[REDACTED:password:1]"'],
    [`Authorization: Bearer ${KEY}`, "Authorization: Bearer [REDACTED:aws-access-key:1]"],
  ])("are told apart, and stay so: %s", async (text, expected) => {
    const one = await redactor();
    const once = redacted(one, text);
    expect(once).toBe(canonicalJson({ value: expected }));
    expect(redacted(one, expected)).toBe(once);
  });
});

describe("card numbers", () => {
  it.each([
    ["4111 1111 1111 1111 2026-11-20", "[REDACTED:card:1] 2026-11-20"],
    ["4111-1111-1111-1111", "[REDACTED:card:1]"],
    ["4111111111111111.", "[REDACTED:card:1]."],
    ["(378282246310005)", "([REDACTED:card:1])"],
    ["3782 822463 10005", "[REDACTED:card:1]"],
    ["4222222222222", "[REDACTED:card:1]"],
    ["6011000990139424\n5555555555554444", "[REDACTED:card:1]\n[REDACTED:card:2]"],
    ["30569309025904,3530111333300000", "[REDACTED:card:1],[REDACTED:card:2]"],
    ["12 4111 1111 1111 1111", "12 [REDACTED:card:1]"],
  ])("%s", async (text, expected) => {
    expect(redacted(await redactor(), text)).toBe(canonicalJson({ value: expected }));
  });
});
