import { expect, test } from "vitest";
import { scrubber } from "../../src/llm/secret.ts";

const secret = "sk/9f+Zq8vN3xW5tR==";
const bytes = Buffer.from(secret);

test.each([
  ["as it is", secret],
  ["in URL form", encodeURIComponent(secret)],
  ["in base64", bytes.toString("base64")],
  ["in base64 without padding", bytes.toString("base64").replace(/=+$/, "")],
  ["in base64url", bytes.toString("base64url")],
  ["in hexadecimal", bytes.toString("hex")],
  ["in capital hexadecimal", bytes.toString("hex").toUpperCase()],
])("X2 a key %s is taken out wherever it stands", (_form, form) => {
  expect(scrubber(secret)(`<${form}> ${form}`)).toMatch(/^<\[key\]=*> \[key\]=*$/);
});

test("what is too short to be a key is left alone", () => {
  expect(scrubber("ollama")("ollama runs llamas")).toBe("ollama runs llamas");
  expect(scrubber(undefined)("text")).toBe("text");
});
