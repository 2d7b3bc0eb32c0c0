import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { digestOf } from "../../src/model/canonical.ts";
import { newHook } from "../../src/runtime/authoring/new.ts";
import { Lab } from "../support/lab.ts";

let lab: Lab;
/** The committed C guest, as a hook of its own. */
beforeAll(async () => {
  lab = await Lab.open();
  await newHook({ name: "gate", lang: "c", role: "gate" }, lab.env);
  const bytes = readFileSync("test/guests/c/gate.wasm");
  writeFileSync(join(lab.root, "gate/gate.wasm"), bytes);
  change("hook.yaml", /sha256:0{64}/, digestOf(bytes));
});

function change(file: string, from: string | RegExp, to: string): void {
  const path = join(lab.root, "gate", file);
  writeFileSync(path, readFileSync(path, "utf8").replace(from, to));
}

/** With `cases.yaml` changed for this once. */
async function testWith(from: string | RegExp, to: string, ...args: readonly string[]) {
  const path = join(lab.root, "gate/cases.yaml");
  const before = readFileSync(path, "utf8");
  expect(before.replace(from, to)).not.toBe(before);
  change("cases.yaml", from, to);
  const done = await lab.finished("hook", ["test", "gate", ...args]);
  writeFileSync(path, before);
  return done;
}

describe("hook test", () => {
  it("asks every case and exits with 0", async () => {
    const { code, stdout, stderr } = await lab.finished("hook", ["test", "gate"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^✓ a tool that nobody denies may be called\n(✓ .*\n){4}5 passed, 0 failed\n$/);
  });

  it("says how an answer differs, and exits with 3", async () => {
    const { code, stdout } = await testWith(
      "kind: denied, data: { tool: process.run }",
      "kind: denied, data: { tool: x }",
    );
    expect(code).toBe(3);
    expect(stdout).toContain(`✗ a denied tool may not, and the run hears of it
    events[0].data.tool
      expected  "x"
      found     "process.run"
`);
    expect(stdout).toMatch(/4 passed, 1 failed\n$/);
  });

  it("says the same as JSON", async () => {
    const { code, stdout } = await testWith("{ decision: allow }", "{ decision: block }", "--json");
    expect(code).toBe(3);
    expect(JSON.parse(stdout)).toMatchObject({
      hook: "gate",
      passed: 4,
      failed: 1,
      cases: expect.arrayContaining([
        {
          name: "a name that only begins alike is another tool",
          ok: false,
          differences: [
            { what: "decision", expected: "block", found: 'allow, since "`process.running` is not denied"' },
          ],
        },
      ]),
      exit: 3,
    });
  });

  it.each([
    ["a payload that no run could have", "step: 1", "step: -1", /case "a tool that nobody denies .*step: must be >= 0/],
    ["a phase that is not the hook's", "phase: pre-tool", "phase: audit", /is not asked at `audit`/],
    [
      "a configuration that does not fit",
      "deny: [process.run, http.fetch]",
      "deny: 7",
      /does not fit `gate`: deny: expected a list/,
    ],
    ["an unknown field", "expect: { decision: allow }", "expects: {}", /cases\.yaml:\d+:\d+ cases\[3\]/],
    ["what is no YAML", "cases:", "cases: [", /cases\.yaml:\d+:\d+ /],
  ])("takes a case with %s for a bad file: exit code 2", async (_, from, to, message) => {
    const { code, stdout, stderr } = await testWith(from, to);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(message);
  });

  it("says when there are no cases", async () => {
    mkdirSync(join(lab.root, "bare"));
    writeFileSync(join(lab.root, "bare/gate.wasm"), readFileSync(join(lab.root, "gate/gate.wasm")));
    writeFileSync(join(lab.root, "bare/hook.yaml"), readFileSync(join(lab.root, "gate/hook.yaml")));
    expect(await lab.finished("hook", ["test", "bare"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("cases.yaml` does not exist"),
    });
  });
});

describe("hook bench", () => {
  it("measures the first case, and says how much fuel a call takes", async () => {
    const { code, stdout } = await lab.finished("hook", ["bench", "gate", "--calls", "20", "--json"]);
    expect(code).toBe(0);
    const found = JSON.parse(stdout) as { fuel: { least: number; most: number } };
    expect(found).toMatchObject({ hook: "gate", phase: "pre-tool", calls: 20 });
    expect(found.fuel.least).toBeGreaterThan(0);
    expect(found.fuel.most).toBe(found.fuel.least);
  });

  it("says the same in words, for a payload of one's own", async () => {
    const args = ["bench", "gate", "--calls", "5", "--phase", "pre-tool", "--input", "gate/event.json"];
    const { code, stdout } = await lab.finished("hook", args);
    expect(code).toBe(0);
    for (const word of [
      "load, from the cache",
      "first call",
      "call, p50",
      "call, p99",
      "calls a second",
      "private memory",
    ]) {
      expect(stdout).toContain(word);
    }
  });

  it("refuses a number of calls that is none, and half a question", async () => {
    expect((await lab.finished("hook", ["bench", "gate", "--calls", "0"])).code).toBe(2);
    expect((await lab.finished("hook", ["bench", "gate", "--phase", "pre-tool"])).stderr).toContain("belong together");
    expect(await lab.finished("hook", ["bench", "nosuch"])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^error: `\/.*\/nosuch` does not exist\n/),
    });
  });
});
