import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { pinFile } from "../../scripts/pin.ts";
import { messagesOf, type Sample, sampleAgent } from "./sample.ts";

/** What is wrong when a file of the sample is edited and pinned again. */
async function afterEdit(file: string, from: string | RegExp, to: string): Promise<readonly string[]> {
  const agent = sampleAgent();
  agent.edit(file, from, to);
  await agent.repin();
  return messagesOf(agent.resolve);
}

const MANIFEST = "hooks/gate/hook.yaml";

describe("a hook manifest", () => {
  it.each([
    [
      "spec",
      "  role: gate\n",
      "  role: gate\n  tier: trusted\n",
      "spec.tier: the tier of a hook is never declared by its manifest; remove it",
    ],
    [
      "spec",
      "  role: gate\n",
      "  role: gate\n  trust: { key: mine }\n",
      "spec.trust: the trust of a hook is never declared by its manifest; remove it",
    ],
    [
      "metadata",
      "name: gate,",
      "name: gate, tier: trusted,",
      "metadata.tier: the tier of a hook is never declared by its manifest; remove it",
    ],
  ])("S13 that declares itself trusted in its %s is refused", async (_where, from, to, message) => {
    expect(await afterEdit(MANIFEST, from, to)).toEqual([message]);
  });

  it("of another world is refused", async () => {
    expect(await afterEdit(MANIFEST, "hook@1.0.0", "hook@2.0.0")).toEqual([
      'spec.world: expected "pinion:hook/hook@1.0.0" or "pinion:hook/trusted-hook@1.0.0", found "pinion:hook/hook@2.0.0"',
    ]);
  });

  it("with a component outside its folder is refused", async () => {
    expect(await afterEdit(MANIFEST, "file: gate.wasm", "file: ./gate.wasm")).toEqual([
      'spec.component.file: expected the name of a .wasm file beside the manifest, found "./gate.wasm"',
    ]);
  });

  it("of an observer in a phase other than audit is refused", async () => {
    expect(await afterEdit(MANIFEST, "role: gate", "role: observer")).toEqual(
      expect.arrayContaining(["spec.phases[0]: an observer watches `audit` and no other phase, found `pre-tool`"]),
    );
  });

  it("asked in a phase that it does not allow is refused, from the blueprint and from the template", async () => {
    expect(
      await afterEdit("blueprint.yaml", "pre-send: [rewriter]", "pre-send: [rewriter], post-tool: [gate]"),
    ).toEqual([
      "spec.hooks.chain.post-tool[0]: `gate` may not be used at `post-tool`; its manifest allows pre-tool, spawn",
    ]);
    expect(await afterEdit("pipeline.yaml", "pre-tool: [gate]", "pre-plan: [gate]")).toEqual([
      "spec.hooks.template: the template asks `gate` at `pre-plan`, but it may not be used at `pre-plan`; its manifest allows pre-tool, spawn",
    ]);
  });

  it("in shadow and in a chain, not pinned, or in shadow where it could not be obeyed, is refused", async () => {
    const chain = "    chain: { pre-send: [rewriter] }\n";
    const withShadow = (shadow: string) => afterEdit("blueprint.yaml", chain, `${chain}    shadow: { ${shadow} }\n`);
    expect(await withShadow("pre-tool: [gate]")).toEqual([
      "spec.hooks.shadow.pre-tool[0]: `gate` is in the chain of `pre-tool`: a hook is obeyed or in shadow, not both",
    ]);
    expect(await withShadow("pre-tool: [rewritr]")).toEqual([
      "spec.hooks.shadow.pre-tool[0]: `rewritr` is not pinned in `spec.pins.hooks`; did you mean `rewriter`?",
    ]);
    expect(await afterEdit("blueprint.yaml", chain, "    shadow: { pre-plan: [rewriter] }\n")).toEqual([
      "spec.hooks.shadow.pre-plan[0]: `rewriter` may not watch `pre-plan`: its manifest allows pre-send, audit",
    ]);
  });

  it("asked twice at one boundary, or by a template whose hook is not pinned, is refused", async () => {
    expect(await afterEdit("blueprint.yaml", "pre-send: [rewriter]", "pre-tool: [gate]")).toEqual([
      "spec.hooks.chain.pre-tool[0]: `gate` is already in the chain of `pre-tool`",
    ]);
    expect(await afterEdit("pipeline.yaml", "[gate]", "[gate, stranger]")).toEqual([
      "spec.hooks.template: the template asks `stranger` at `pre-tool`, but it is not pinned in `spec.pins.hooks`",
    ]);
  });
});

describe("what a blueprint says about a hook", () => {
  it("as configuration fits the manifest's schema, and faults stand at their place in the blueprint", async () => {
    expect(await afterEdit("blueprint.yaml", "{ deny: [file.write] }", "{ deny: [7], levle: 1, level: 0 }")).toEqual([
      'spec.hooks.config.gate.deny[0]: expected text, found the number 7; quote it: "7"',
      "spec.hooks.config.gate.levle: unknown field; did you mean `level`?",
      "spec.hooks.config.gate.level: expected an integer ≥ 1, found 0",
    ]);
  });

  it("is refused for a hook that takes no configuration", async () => {
    expect(await afterEdit("blueprint.yaml", "    config:\n", "    config:\n      rewriter: { a: 1 }\n")).toEqual([
      "spec.hooks.config.rewriter.a: unknown field",
    ]);
  });

  it("as limits only narrows", async () => {
    expect(
      await afterEdit("blueprint.yaml", "deadlineMs: 500", "deadlineMs: 801, memoryPages: 512, hostcalls: 101"),
    ).toEqual([
      "spec.hooks.limits.gate.deadlineMs: expected at most 800, the limit of the manifest, found 801",
      "spec.hooks.limits.gate.hostcalls: expected at most 100, the limit of the manifest, found 101",
    ]);
  });

  it.each([
    [
      "tools: [file.read]",
      "tools: [file.read, process.run]",
      "tools[1]: the manifest does not ask for the tool `process.run`",
    ],
    ["name: workspace, path", "name: home, path", "files[0]: the manifest does not ask for files named `home`"],
    ["path: docs/public", "path: src", "files[0]: `src` is not inside `docs`, which the manifest asks for"],
    ["path: docs/public", "path: .", "files[0]: `.` is not inside `docs`, which the manifest asks for"],
    [
      "path: docs/public",
      "path: docs-private",
      "files[0]: `docs-private` is not inside `docs`, which the manifest asks for",
    ],
    ["path: docs/public", "path: docs/../src", "files[0]: `docs/../src` is not a plain relative path"],
    ["path: docs/public", "path: /docs", "files[0]: `/docs` is not a plain relative path"],
  ])("as a grant is a part of what the manifest asks for: %s → %s", async (from, to, message) => {
    expect(await afterEdit("blueprint.yaml", from, to)).toEqual([`spec.hooks.grants.rewriter.${message}`]);
  });

  it("as an action is one that the manifest asks for", async () => {
    const agent = sampleAgent();
    agent.edit("../installation/hooks/rewriter/hook.yaml", "actions: [read, write]", "actions: [read]");
    agent.edit("blueprint.yaml", "actions: [read]", "actions: [read, write]");
    await agent.repin();
    expect(await messagesOf(agent.resolve)).toEqual([
      "spec.hooks.grants.rewriter.files[0]: the manifest does not ask to `write` in `workspace`",
    ]);
  });
});

describe("several faults in several files", () => {
  it("are reported at once, each with its file", async () => {
    const agent = sampleAgent();
    agent.edit("policy.yaml", "read:", "raed:");
    agent.edit("script.yaml", "text: hello", "txt: hello");
    agent.edit("skills/greeting/SKILL.md", "description: how to greet\n", "");
    agent.edit("helper/blueprint.yaml", "model: small", "model: 3");
    agent.edit("hooks/gate/hook.yaml", "type: integer", "typ: integer");
    await agent.repin();
    const messages = (await messagesOf(agent.resolve)).join("\n");
    for (const part of [
      "spec.filesystem.raed",
      "spec.turns[0].txt",
      "missing field `description`",
      "spec.runtime.model",
      "spec.config.properties.level.typ",
    ]) {
      expect(messages).toContain(part);
    }
  });
});

describe("pinning", () => {
  it("rewrites digests and versions in place and nothing else", async () => {
    const agent: Sample = sampleAgent();
    agent.edit("policy.yaml", 'version: "1.0.0"', 'version: "1.1.0"');
    appendFileSync(join(agent.folder, "hooks/gate/gate.wasm"), "changed");
    expect(await pinFile(agent.blueprint, agent.installation)).toBe(true);
    expect(await pinFile(agent.blueprint, agent.installation)).toBe(false);
    const resolved = await agent.resolve();
    expect(resolved.pins.find(({ kind }) => kind === "policy")?.version).toBe("1.1.0");
  });
});
