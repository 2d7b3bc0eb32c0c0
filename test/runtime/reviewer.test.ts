import { cpSync, existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Lab } from "../support/lab.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
const SAMPLE = join(ROOT, "blueprints/reviewer/sample");

let lab: Lab;
let run: Awaited<ReturnType<Lab["finished"]>>;
let summary: { readonly [key: string]: unknown };
beforeAll(async () => {
  lab = await Lab.open();
  cpSync(SAMPLE, lab.workspace, { recursive: true });
  run = await lab.finished("blueprint", [
    "run",
    join(ROOT, "blueprints/reviewer/blueprint.yaml"),
    "--goal",
    "review the changes",
    "--workspace",
    lab.workspace,
    "--record",
    join(lab.root, "out.jsonl"),
    "--json",
  ]);
  summary = JSON.parse(run.stdout) as typeof summary;
}, 120_000);
afterAll(() => lab.close());

/** Every value of the sample's settings that somebody would call a secret. */
function planted(): readonly string[] {
  const settings = readFileSync(join(SAMPLE, "config/deploy.env"), "utf8");
  const values = [...settings.matchAll(/^[A-Z_]*(?:KEY|TOKEN|SECRET)[A-Z_]*=(\S+)$/gm)].map(([, value = ""]) => value);
  expect(values.length).toBeGreaterThanOrEqual(3);
  return values;
}

/** Plain, hex, URL, and base64 at each of the three places that a text can stand at in a group of bytes. */
function formsOf(secret: string): readonly string[] {
  const bytes = Buffer.from(secret);
  const encoded = [0, 1, 2].map((shift) =>
    Buffer.concat([Buffer.alloc(shift), bytes])
      .toString("base64")
      .slice(shift === 0 ? 0 : 4)
      .replace(/.{0,4}$/, ""),
  );
  return [secret, bytes.toString("hex"), bytes.toString("hex").toUpperCase(), encodeURIComponent(secret), ...encoded];
}

function* filesBelow(folder: string): Generator<string> {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) yield* filesBelow(path);
    else yield path;
  }
}

describe("the shipped reviewer", () => {
  test("does its work, carries on after what is blocked, and says so in one object", async () => {
    expect(run.code).toBe(0);
    expect(summary).toMatchObject({
      run: expect.stringMatching(/^[\w-]+$/),
      state: "completed",
      steps: 8,
      blocked: 3,
      recording: join(lab.root, "out.jsonl"),
      head: expect.stringMatching(/^sha256:/),
      blueprint: expect.stringMatching(/^sha256:/),
    });
    expect(summary.redactions).toBeGreaterThanOrEqual(3);
    // What it wrote is a proposal until somebody commits it.
    expect(existsSync(join(lab.workspace, "REVIEW.md"))).toBe(false);
    expect(await lab.finished("pinion", ["run", "commit", String(summary.run)])).toMatchObject({ code: 0 });
    const review = readFileSync(join(lab.workspace, "REVIEW.md"), "utf8");
    expect(review).toContain("the shares add up to the bill");
    expect(review).toMatch(/src\/split\.js:\d+/);
    expect(review).toContain("tool-gate");
  });

  test("X1 X3 no planted credential is anywhere on disk or on the terminal, in none of its forms", () => {
    const forms = planted().flatMap(formsOf);
    const places = [...filesBelow(lab.root)].filter((path) => path !== join(lab.workspace, "config/deploy.env"));
    expect(places.length).toBeGreaterThan(10);
    for (const path of places) {
      const content = readFileSync(path, "latin1");
      for (const form of forms) expect(content.includes(form), `${path} holds ${form}`).toBe(false);
    }
    for (const form of forms) expect(run.stdout + run.stderr).not.toContain(form);
  });

  test("its recording and that of its child replay identical, through the command", async () => {
    for (const file of ["out.jsonl", "out.child-1.jsonl"]) {
      const replay = await lab.finished("harness", ["replay", join(lab.root, file), "--json"]);
      expect(JSON.parse(replay.stdout)).toMatchObject({ answer: "identical", exit: 0 });
      expect(replay.code).toBe(0);
    }
  });

  test("X5 redaction does not stand in the way of replay: the sealed bodies hold what was redacted", async () => {
    const shown = await lab.finished("harness", ["show", join(lab.root, "out.jsonl"), "--all"]);
    expect(shown.stdout).toContain("redact");
    expect(shown.code).toBe(0);
  });
});
