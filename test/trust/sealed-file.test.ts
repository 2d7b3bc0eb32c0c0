import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { openSealed, readSealed, sealFile } from "../../src/trust/sealed-file.ts";

const WHERE = { purpose: "secrets", file: "secrets" };
const sealed = (passphrase = "a passphrase") =>
  sealFile({
    bytes: Buffer.from("what is inside"),
    passphrase,
    purpose: "secrets",
    clear: { names: ["one"] },
    random: (bytes) => randomBytes(bytes),
    cost: 14,
  });

describe("a sealed file", () => {
  test("opens with its passphrase, however that is composed, and says in clear only what it was told to", async () => {
    const text = await sealed("e\u0301t\u00e9 \u{1f511}");
    expect(text).not.toContain("what is inside");
    const read = readSealed(text, WHERE);
    expect(read.clear).toEqual({ names: ["one"] });
    expect(Buffer.from(await openSealed(read, "\u00e9te\u0301 \u{1f511}")).toString()).toBe("what is inside");
  });

  test("is another text each time", async () => {
    expect(await sealed()).not.toBe(await sealed());
  });

  test("does not open with another passphrase", async () => {
    await expect(openSealed(readSealed(await sealed(), WHERE), "another")).rejects.toMatchObject({
      code: "wrong-passphrase",
    });
  });

  test("does not open when any part was changed, what is in clear included", async () => {
    const text = await sealed();
    const whole = JSON.parse(text) as Record<string, unknown>;
    const data = Buffer.from(String(whole.data), "base64");
    data[0] = (data[0] ?? 0) ^ 1;
    for (const changed of [
      { ...whole, clear: { names: ["one", "two"] } },
      { ...whole, data: data.toString("base64") },
      { ...whole, more: 1 },
    ]) {
      const read = readSealed(JSON.stringify(changed), WHERE);
      await expect(openSealed(read, "a passphrase")).rejects.toMatchObject({ code: "wrong-passphrase" });
    }
  });

  test("is refused when it is none, of another purpose, or asks for too little or too much work", async () => {
    const whole = JSON.parse(await sealed()) as { kdf: object };
    const asking = (cost: unknown) => JSON.stringify({ ...whole, kdf: { ...whole.kdf, cost } });
    const refused = { code: "bad-sealed-file" };
    for (const text of ["", "[]", "{}", "x".repeat(5_000_000), asking(13), asking(21), asking("17"), asking(14.5)]) {
      expect(() => readSealed(text, WHERE)).toThrow(expect.objectContaining(refused));
    }
    const other = { purpose: "signing-key", file: "secrets" };
    expect(() => readSealed(JSON.stringify(whole), other)).toThrow(expect.objectContaining(refused));
    const short = JSON.stringify({ ...whole, data: "AAAA" });
    expect(() => readSealed(short, WHERE)).toThrow(expect.objectContaining(refused));
  });
});
