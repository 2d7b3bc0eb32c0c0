import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Lab } from "../support/lab.ts";

const FOLDER = new URL("../../recordings/", import.meta.url).pathname;
const RECORDINGS = readdirSync(FOLDER).filter((name) => name.endsWith(".jsonl"));

// The machine that replays has an empty store: artifacts come from beside the recordings, by digest.
let lab: Lab;
beforeAll(async () => {
  lab = await Lab.open();
});
afterAll(() => lab.close());

describe("golden recordings", () => {
  test("are there, those of children too", () => {
    expect(RECORDINGS).toEqual(
      expect.arrayContaining(["editor.jsonl", "minimal.jsonl", "reviewer.child-1.jsonl", "reviewer.jsonl"]),
    );
  });

  for (const name of RECORDINGS) {
    test(`${name} replays identical`, async () => {
      const result = await lab.replay(join(FOLDER, name));
      expect(result).toMatchObject({ answer: "identical", exit: 0 });
    });
  }

  test("D1 D5 in another time zone and locale a recording replays identical", async () => {
    const elsewhere = { TZ: "Pacific/Chatham", LANG: "tr_TR.UTF-8", LC_ALL: "tr_TR.UTF-8" };
    const replayed = await lab.finished("harness", ["replay", join(FOLDER, "reviewer.jsonl"), "--json"], elsewhere);
    expect(JSON.parse(replayed.stdout)).toMatchObject({ answer: "identical" });
  });

  test("hold no path of the machine that they were made on, and no credential", () => {
    for (const name of RECORDINGS) {
      const text = readFileSync(join(FOLDER, name), "utf8");
      expect(text).not.toMatch(/"\/(?:home|root|work)\//);
      expect(text).not.toContain("AKIAIOSFODNN7EXAMPLE");
    }
  });
});
