import { spawn } from "node:child_process";
import { readFileSync, renameSync, statSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { loadBlueprint, parseBlueprint } from "../../src/blueprint/load.ts";
import { canonicalJson, digestOf } from "../../src/model/canonical.ts";
import { InputError } from "../../src/model/errors.ts";
import { runs, seed } from "../support/property.ts";
import { faultsOf, messagesOf, sampleAgent } from "./sample.ts";

const SAMPLE = readFileSync(join(import.meta.dirname, "fixtures/agent/blueprint.yaml"), "utf8");

/** The messages for the sample with one edit. */
function edited(from: string | RegExp, to: string): Promise<readonly string[]> {
  const text = SAMPLE.replace(from, to);
  expect(text).not.toBe(SAMPLE);
  return messagesOf(() => parseBlueprint(Buffer.from(text), "blueprint.yaml"));
}

describe("a blueprint file", () => {
  it("is typed, frozen, and digested in its canonical form as it was written", () => {
    const { blueprint, digest, bytesDigest, document } = parseBlueprint(Buffer.from(SAMPLE), "blueprint.yaml");
    expect(blueprint.spec.runtime).toEqual({
      adapter: "scripted",
      model: "sample-script",
      settings: {},
      timeoutMs: 120_000,
      retries: 3,
    });
    expect(Object.isFrozen(blueprint.spec.pins.hooks[0])).toBe(true);
    expect(digest).toBe(digestOf(canonicalJson(document.raw)));
    expect(JSON.stringify(document.raw)).not.toContain("timeoutMs");
    expect(bytesDigest).toBe(digestOf(SAMPLE));
  });

  it("that is not there, is a folder, or is no blueprint: one clear error", async () => {
    const { folder } = sampleAgent();
    await expect(loadBlueprint(join(folder, "nothing.yaml"))).rejects.toThrow(InputError);
    await expect(loadBlueprint(join(folder, "nothing.yaml"))).rejects.toThrow("does not exist");
    await expect(loadBlueprint(folder)).rejects.toThrow("is not a regular file");
    const [first] = await faultsOf(() => loadBlueprint(join(folder, "policy.yaml")));
    expect(first).toMatchObject({
      line: 2,
      column: 7,
      pointer: "/kind",
      message: 'kind: expected "AgentBlueprint", found "PolicyBundle"',
    });
  });

  it("B14 a symbolic link in place of the blueprint is refused", async () => {
    const { folder, blueprint } = sampleAgent();
    renameSync(blueprint, join(folder, "real.yaml"));
    symlinkSync(join(folder, "real.yaml"), blueprint);
    await expect(loadBlueprint(blueprint)).rejects.toThrow("is a symbolic link, which is not followed");
  });

  it("B12 a sparse file of a terabyte is refused without being read", async () => {
    const { folder } = sampleAgent();
    const file = join(folder, "huge.yaml");
    writeFileSync(file, "");
    truncateSync(file, 2 ** 40);
    await expect(loadBlueprint(file)).rejects.toThrow(`has ${2 ** 40} bytes, the limit is 1048576`);
  });

  it("B12 no more is read than may be, whatever the system says of the size", async () => {
    // The environment of a process: a regular file of 0 bytes, says the system.
    const env = Object.fromEntries(Array.from({ length: 12 }, (_, n) => [`V${n}`, "x".repeat(100_000)]));
    const child = spawn("/bin/sleep", ["600"], { env, stdio: "ignore" });
    try {
      const file = `/proc/${child.pid}/environ`;
      expect(statSync(file).size).toBe(0);
      await expect(loadBlueprint(file)).rejects.toThrow(`\`${file}\` has more than 1048576 bytes, which is the limit`);
    } finally {
      child.kill();
    }
  });

  it("refuses what nothing enforces yet", async () => {
    expect(await edited("  instructions:\n", "  comms: { scopes: [] }\n  instructions:\n")).toEqual([
      "spec.comms: not supported yet; remove it",
    ]);
  });

  it("refuses a quota where there is no layer that it could bound", async () => {
    expect(await edited("filesystem: {", "filesystem: { mode: overlay, quota: { bytes: 1000 },")).toEqual([]);
    expect(await edited("filesystem: {", "filesystem: { quota: { files: 10 },")).toEqual([
      "spec.execution.filesystem.quota: only a layer has a quota; add `mode: overlay`, or remove it",
    ]);
  });

  it("B6 B7 S13 knows no field that would make a hook trusted", async () => {
    expect(await edited("{ name: gate,", "{ name: gate, tier: trusted,")).toEqual([
      expect.stringContaining("spec.pins.hooks[0].tier: unknown field"),
    ]);
    expect(await edited("    config:\n", "    <<: { trust: trusted }\n    config:\n")).toEqual([
      "spec.hooks: merge keys (`<<`) are not allowed; write the fields out",
    ]);
  });

  it("B9 a version that YAML reads as a number", async () => {
    expect(await edited('version: "1.2.3"', "version: 1.20")).toEqual([
      'metadata.version: expected an exact version in quotes, such as "1.0.0", found the number 1.20; quote it: "1.20"',
    ]);
    expect(await edited('version: "1.2.3"', "version: 1.2.3")).toEqual([]);
    expect(await edited('version: "1.2.3"', 'version: "1.2"')).toHaveLength(1);
    expect(await edited('version: "1.2.3"', "version: ^1.2.3")).toHaveLength(1);
    expect(await edited(/sha256:[0-9a-f]{64}/, "SHA256:00")).toHaveLength(1);
  });

  it("B5 nothing can be named like what every object has", async () => {
    expect(await edited("{ name: gate,", "{ name: constructor,")).toContainEqual(
      expect.stringMatching(/^spec\.pins\.hooks\[0\]\.name: expected a name .*, found "constructor"$/),
    );
  });

  it("B16 two names that differ in case only or look alike", async () => {
    const pin = (name: string) =>
      `- { name: ${name}, version: "1.0.0", digest: "sha256:${"0".repeat(64)}", source: x }`;
    const withPrompts = (...names: string[]) =>
      edited(
        /prompts:\n.*\n/,
        `prompts:\n      - { name: sample-prompt, version: "1.0.0", digest: "sha256:${"0".repeat(64)}", source: prompt.md }\n${names.map((name) => `      ${pin(name)}\n`).join("")}`,
      );
    expect(await withPrompts("other")).toEqual([]);
    expect(await withPrompts("Sample-Prompt")).toEqual([expect.stringContaining("lower-case letters")]);
    expect(await withPrompts("sаmple-prompt")).toEqual([expect.stringContaining("lower-case letters")]);
    expect(await withPrompts("sample-prompt")).toEqual(["spec.pins.prompts[1].name: `sample-prompt` is pinned twice"]);
    expect(await withPrompts("sarnple-prompt")).toEqual([
      "spec.pins.prompts[1].name: `sarnple-prompt` looks like `sample-prompt`; give it another name",
    ]);
    expect(await withPrompts("samp1e-prompt")).toHaveLength(1);
  });

  it.each([
    [
      "model: sample-script",
      "model: sample-scrpt",
      "spec.runtime.model: `sample-scrpt` is not pinned in `spec.pins.scripts`; did you mean `sample-script`?",
    ],
    [
      "prompt: sample-prompt",
      "prompt: other",
      "spec.instructions.prompt: `other` is not pinned in `spec.pins.prompts`",
    ],
    ["template: standard", "template: other", "spec.hooks.template: `other` is not pinned in `spec.pins.pipeline`"],
    [
      "    template: standard\n",
      "",
      "spec.pins.pipeline: `standard` is pinned but not used; add `template: standard` to `spec.hooks`, or remove the pin",
    ],
    [
      "chain: { pre-send: [rewriter] }",
      "chain: { pre-send: [rewritr] }",
      "spec.hooks.chain.pre-send[0]: `rewritr` is not pinned in `spec.pins.hooks`; did you mean `rewriter`?",
    ],
    [
      "gate: { deny: [file.write] }",
      "nobody: {}",
      "spec.hooks.config.nobody: `nobody` is not pinned in `spec.pins.hooks`",
    ],
    [
      "gate: { deadlineMs: 500 }",
      "gat: { deadlineMs: 500 }",
      "spec.hooks.limits.gat: `gat` is not pinned in `spec.pins.hooks`; did you mean `gate`?",
    ],
    [
      "      rewriter:\n        tools",
      "      writer:\n        tools",
      "spec.hooks.grants.writer: `writer` is not pinned in `spec.pins.hooks`; did you mean `rewriter`?",
    ],
    ["adapter: scripted", "adapter: openai-compatible", "spec.runtime: `openai-compatible` needs the field `baseUrl`"],
    [
      "adapter: scripted",
      "adapter: scripted\n    baseUrl: http://x/",
      "spec.runtime.baseUrl: `scripted` reaches no server; remove it",
    ],
    [
      "prompt: sample-prompt",
      "prompt: sample-prompt\n    text: both",
      "spec.instructions: expected exactly one of `prompt` and `text`, found 2",
    ],
    ["prompt: sample-prompt", "{}", "spec.instructions: expected exactly one of `prompt` and `text`, found none"],
  ])("does not let %j become %j", async (from, to, message) => {
    expect(await edited(from, to)).toEqual([message]);
  });

  it("refuses an address with credentials in it", async () => {
    const [message] = await edited(
      "adapter: scripted",
      'adapter: openai\n    baseUrl: "https://user:secret@example.org/"',
    );
    expect(message).toContain("holds no credentials");
  });

  it("mutated at random is read or refused with places in the file, never anything else", async () => {
    const lines = SAMPLE.split("\n");
    const mutation = fc.oneof(
      fc.record({
        kind: fc.constant("cut" as const),
        at: fc.nat(SAMPLE.length),
        length: fc.integer({ min: 1, max: 40 }),
      }),
      fc.record({
        kind: fc.constant("put" as const),
        at: fc.nat(SAMPLE.length),
        text: fc.oneof(
          fc.string({ maxLength: 5, unit: "binary" }),
          fc.constantFrom("&a ", "*a", "<<: ", "[", "}", ": ", "\n", "- ", "!x ", "0x1", "...\n", "? "),
        ),
      }),
      fc.record({ kind: fc.constant("move" as const), from: fc.nat(lines.length - 1), to: fc.nat(lines.length - 1) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(mutation, { minLength: 1, maxLength: 3 }), async (mutations) => {
        let text = SAMPLE;
        for (const m of mutations) {
          if (m.kind === "cut") text = text.slice(0, m.at) + text.slice(m.at + m.length);
          else if (m.kind === "put") text = text.slice(0, m.at) + m.text + text.slice(m.at);
          else {
            const all = text.split("\n");
            all.splice(m.to, 0, ...all.splice(m.from, 1));
            text = all.join("\n");
          }
        }
        const start = process.cpuUsage();
        for (const { line, column } of await faultsOf(() => parseBlueprint(Buffer.from(text), "b"))) {
          expect(line).toBeGreaterThan(0);
          expect(line).toBeLessThanOrEqual(text.split("\n").length);
          expect(column).toBeGreaterThan(0);
        }
        expect(process.cpuUsage(start).user).toBeLessThan(1_000_000);
      }),
      { seed, numRuns: runs(200, 20_000) },
    );
  });
});
