import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Json } from "../../src/model/json.ts";
import { Mask, SHORTEST } from "../../src/secret/mask.ts";
import { formsOf } from "../support/forms.ts";
import { runs, seed } from "../support/property.ts";

const VALUE = 's3cr3t+/"v\\alue&%41~';
const mask = new Mask([{ name: "token", value: VALUE }]);

describe("a mask", () => {
  for (const [form, text] of Object.entries(formsOf(VALUE))) {
    test(`X2 finds a secret in the form: ${form}`, () => {
      const masked = mask.text(`before ${text} after`);
      expect(masked).toContain("[secret token]");
      expect(masked.startsWith("before ")).toBe(true);
      expect(masked.endsWith(" after")).toBe(true);
    });
  }

  test("X2 finds secrets of every length and content in every form", () => {
    const value = fc
      .string({ unit: "grapheme-ascii", minLength: 6, maxLength: 80 })
      .filter((text) => text.trim().length >= SHORTEST);
    fc.assert(
      fc.property(value, (secret) => {
        const one = new Mask([{ name: "x", value: secret }]);
        for (const text of [secret, secret.trim()].flatMap((said) => Object.values(formsOf(said)))) {
          expect(one.text(`<${text}>`)).toContain("[secret x]");
        }
      }),
      { seed, numRuns: runs(60, 5_000) },
    );
  });

  test("X1 finds a value without the space around it, which a shell drops", () => {
    const one = new Mask([{ name: "x", value: " s3cr3t-value\t\n" }]);
    expect(one.text("echo: s3cr3t-value\n")).toBe("echo: [secret x]\n");
    expect(one.text("raw: [ s3cr3t-value\t]")).not.toContain("s3cr3t");
  });

  test("leaves every text alone that holds no secret", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 400 }), (text) => {
        expect(mask.text(text)).toBe(text);
      }),
      { seed, numRuns: runs(200, 20_000) },
    );
  });

  test("X2 nothing of a secret is in any window, wherever it is cut", () => {
    const text = Buffer.from(`head ${VALUE} ${Buffer.from(VALUE).toString("hex")} tail`);
    const hidden = mask.bytes(text).toString();
    expect(hidden).toBe("head [secret token] [secret token] tail");
    for (let from = 0; from < text.length; from++) {
      for (const size of [1, 3, 9]) {
        const seen = mask.bytes(text, { from, to: Math.min(text.length, from + size) }).toString();
        const rest = seen.replaceAll("[secret token]", "");
        expect("head  tail".includes(rest), `${from}+${size}: ${seen}`).toBe(true);
      }
    }
  });

  test("counts the lines of a key by themselves, and not its frame", () => {
    const line = createHash("sha256").update("x").digest("base64");
    const pem = `-----BEGIN PRIVATE KEY-----\n${line}\n${line.toLowerCase()}\n-----END PRIVATE KEY-----\n`;
    const one = new Mask([{ name: "key", value: pem }]);
    expect(one.text(`grep says: ${line}`)).toBe("grep says: [secret key]");
    expect(one.text(pem)).toBe("[secret key]\n");
    expect(one.text("-----BEGIN PRIVATE KEY-----")).toBe("-----BEGIN PRIVATE KEY-----");
  });

  test("finds the texts of a value in JSON by themselves, as they read when it is decoded", () => {
    const key = `-----BEGIN PRIVATE KEY-----\n${createHash("sha256").update("k").digest("base64")}\n-----END PRIVATE KEY-----\n`;
    const account = { type: "service", nested: [{ password: 'pa"ss w\u00f6rd of some length' }], private_key: key };
    for (const value of [JSON.stringify(account), JSON.stringify(account, null, 2)]) {
      const one = new Mask([{ name: "account", value }]);
      expect(one.text(`it is pa"ss w\u00f6rd of some length.`)).toBe("it is [secret account].");
      expect(one.text(key)).toBe("[secret account]\n");
      expect(one.text(key.split("\n")[1] ?? "")).toBe("[secret account]");
      expect(one.text(value)).toBe("[secret account]");
      expect(one.text("type service, nested")).toBe("type service, nested");
    }
    const broken = new Mask([{ name: "x", value: '{"password":"one that is long"' }]);
    expect(broken.text('{"password":"one that is long"')).toBe("[secret x]");
  });

  test("finds the values of `KEY=value` by themselves, except for plain words", () => {
    const value = `# of the shop\nexport DB_PASSWORD='hunter-22'\nTOKEN="tok3n!"\nMODE=production\nWORDS=correcthorsebatterystaple\n`;
    const one = new Mask([{ name: "env", value }]);
    expect(one.text("hunter-22 tok3n! correcthorsebatterystaple")).toBe("[secret env] [secret env] [secret env]");
    expect(one.text(Buffer.from("hunter-22").toString("base64"))).toBe("[secret env]");
    expect(one.text("in production, of the shop")).toBe("in production, of the shop");
    const single = new Mask([{ name: "one", value: "API_KEY=k3y-of-it" }]);
    expect(single.text("k3y-of-it")).toBe("[secret one]");
    const other = new Mask([{ name: "x", value: "a sentence\nwith=assignment" }]);
    expect(other.text("an assignment")).toBe("an assignment");
  });

  test("X2 finds any number of secrets at once, each as it would be found by itself", () => {
    const few = fc.array(fc.string({ unit: fc.constantFrom(..."abAB0+/=%"), minLength: 6, maxLength: 12 }), {
      minLength: 1,
      maxLength: 8,
    });
    fc.assert(
      fc.property(
        few,
        fc.string({ unit: fc.constantFrom(..."abAB0+/=%"), maxLength: 60 }),
        fc.nat(),
        (values, noise, at) => {
          const said = values[at % values.length] ?? "";
          const all = new Mask(values.map((value, index) => ({ name: `n${index}`, value })));
          const text = `${noise}|${said}|${Buffer.from(said).toString("hex")}|${noise}`;
          expect(all.text(text)).not.toContain(said);
          for (const value of values) {
            if (new Mask([{ name: "x", value }]).text(text) !== text) expect(all.text(text)).not.toContain(value);
          }
        },
      ),
      { seed, numRuns: runs(100, 10_000) },
    );
  });

  test("X4 twenty secrets cost hardly more than one", () => {
    const cost = (count: number, text: Buffer): number => {
      const secrets = Array.from({ length: count }, (_, index) => ({
        name: `s${index}`,
        value: createHash("sha256").update(`${index}`).digest("base64url"),
      }));
      const many = new Mask(secrets);
      const each = Array.from({ length: 5 }, () => {
        const start = process.cpuUsage();
        many.bytes(text);
        const { user, system } = process.cpuUsage(start);
        return user + system;
      });
      return Math.min(...each);
    };
    const prose = Buffer.from("Whoever reads this, in a file of some length, sees 1 + 1 words.\n".repeat(8_000));
    cost(1, prose);
    expect(cost(20, prose) / Math.max(cost(1, prose), 1_000)).toBeLessThan(6);
  });

  test("looks at names of members as well as at their values", () => {
    const found = mask.json({ [VALUE]: 1, list: [{ deep: VALUE }], n: 7, b: null });
    expect(found).toEqual({ "[secret token]": 1, list: [{ deep: "[secret token]" }], n: 7, b: null });
  });

  test("X4 what it cannot search is an error, never passed on", () => {
    let deep: Json = VALUE;
    for (let level = 0; level < 200; level++) deep = [deep];
    expect(() => mask.json(deep)).toThrow(/nested too deeply/);
    expect(() => mask.json({ [VALUE]: 1, [`${Buffer.from(VALUE).toString("hex")}`]: 2 })).toThrow(/one name/);
  });

  test("X4 takes time in proportion to the text, whatever that is", () => {
    const long = new Mask([
      { name: "a", value: `${"a".repeat(4_000)}b` },
      { name: "b", value: `b${"a".repeat(4_000)}` },
    ]);
    const cost = (text: Buffer): number => {
      const start = process.cpuUsage();
      long.bytes(text);
      const { user, system } = process.cpuUsage(start);
      return user + system;
    };
    for (const unit of ["a", "61", "YWFh", "%61", "\\u0061", "&#97;", "a\0"]) {
      const [small, large] = [50_000, 400_000].map((size) => {
        const text = Buffer.from(unit.repeat(Math.ceil(size / unit.length)));
        return Math.min(cost(text), cost(text));
      });
      // Eight times the text: quadratic work would take sixty-four times as long.
      expect((large ?? 0) / Math.max(small ?? 0, 1_000), unit).toBeLessThan(30);
    }
  });
});
