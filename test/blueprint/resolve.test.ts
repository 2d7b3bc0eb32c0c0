import { appendFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openStore } from "../../src/artifact/store.ts";
import { resolveFromStore } from "../../src/blueprint/resolve.ts";
import { messagesOf, sampleAgent, temporaryFolder } from "./sample.ts";

describe("resolving a blueprint", () => {
  it("reads everything that is pinned", async () => {
    const agent = sampleAgent();
    const resolved = await agent.resolve();
    expect(resolved.agent.name).toBe("sample");
    expect(resolved.systemPrompt).toBe("You greet people. Grüße sie auch auf Deutsch.\n");
    expect(resolved.chain["pre-tool"]).toEqual(["gate"]);
    expect(resolved.chain["pre-send"]).toEqual(["rewriter"]);
    expect(resolved.chain.audit).toEqual([]);
    expect(resolved.hooks.map(({ name, role, tier }) => [name, role, tier])).toEqual([
      ["gate", "gate", "sandboxed"],
      ["rewriter", "transformer", "sandboxed"],
    ]);
    expect(resolved.hooks[0]?.config).toEqual({ deny: ["file.write"], level: 3 });
    expect(resolved.hooks[0]?.limits).toMatchObject({ deadlineMs: 500, memoryPages: 512 });
    expect(resolved.hooks[0]?.authority).toEqual({ tools: [], files: [] });
    expect(resolved.hooks[1]?.limits.deadlineMs).toBe(1000);
    expect(resolved.hooks[1]?.authority.files).toEqual([{ name: "workspace", path: "docs/public", actions: ["read"] }]);
    expect(resolved.limits).toMatchObject({ steps: 12, tokens: 200_000, spawnDepth: 1 });
    expect(resolved.execution.backend).toEqual(["bwrap"]);
    expect(resolved.skills[0]?.text).toContain("Say hello first.");
    expect(resolved.scripts["sample-script"]).toMatchObject({ kind: "ModelScript" });
    expect(resolved.children.helper?.systemPrompt).toBe("Help.");
    expect(resolved.pins.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
      "blueprint sample",
      "hook gate",
      "component gate",
      "hook rewriter",
      "component rewriter",
      "policy sample-policy",
      "tools sample-tools",
      "pipeline standard",
      "skill greeting",
      "prompt sample-prompt",
      "script sample-script",
      "blueprint helper",
    ]);
  });

  it("warns of boundaries that no hook guards, and of hooks that are never asked, in children too", async () => {
    const agent = sampleAgent();
    agent.edit("blueprint.yaml", "    chain: { pre-send: [rewriter] }\n", "");
    const { warnings } = await agent.resolve();
    expect(warnings.map(({ message }) => message)).toEqual([
      "spec.pins.hooks[1]: `rewriter` is in no chain",
      "spec.hooks: no hook is asked at pre-plan, pre-send, post-receive, post-tool, state-transition, spawn, audit",
      expect.stringMatching(/^spec.hooks: no hook is asked at pre-plan, pre-send, post-receive, pre-tool,/),
    ]);
  });

  it("warns of a child's quota, which does not hold in the layer of its parent", async () => {
    const agent = sampleAgent();
    const layered = "  execution: { filesystem: { mode: overlay, quota: { files: 3 } } }\n";
    agent.edit("helper/blueprint.yaml", "  pins:\n", `${layered}  pins:\n`);
    await agent.repin();
    const ofQuota = async () => (await agent.resolve()).warnings.filter(({ message }) => message.includes("quota"));
    expect(await ofQuota()).toEqual([]);
    agent.edit("blueprint.yaml", "filesystem: { read", "filesystem: { mode: overlay, read");
    expect(await ofQuota()).toEqual([
      expect.objectContaining({
        message: "spec.pins.blueprints[0]: `helper` works in the layer of this agent: its own quota does not hold",
      }),
    ]);
  });

  it("finds everything again in the store alone, children and components too", async () => {
    const agent = sampleAgent();
    const live = await agent.resolve();
    rmSync(agent.folder, { recursive: true });
    rmSync(agent.installation, { recursive: true });
    const { warnings: _live, ...expected } = live;
    const { warnings: _stored, ...again } = await resolveFromStore(live.bytes, { artifacts: agent.store });
    const bare = (value: unknown) =>
      JSON.parse(JSON.stringify(value, (key, part) => (key === "warnings" ? undefined : part)));
    expect(bare(again)).toEqual(bare(expected));
    for (const { digest } of live.pins) expect(await agent.store.has(digest)).toBe(true);
  });

  it("finds everything in a shipped folder of artifacts", async () => {
    const agent = sampleAgent();
    const { bytes, agent: named } = await agent.resolve();
    const artifacts = openStore({ root: temporaryFolder(), fallbacks: [join(agent.root, "store")] });
    expect((await resolveFromStore(bytes, { artifacts })).agent).toEqual(named);
  });

  it("says which artifacts a store lacks; a missing component is left to the run, which blocks on it", async () => {
    const agent = sampleAgent();
    const { bytes, hooks } = await agent.resolve();
    const remove = (digest = ""): void => {
      const hex = digest.slice("sha256:".length);
      rmSync(join(agent.root, "store/sha256", hex.slice(0, 2), hex));
    };
    remove(hooks[0]?.component);
    expect((await resolveFromStore(bytes, { artifacts: agent.store })).hooks).toEqual(hooks);
    remove(hooks[0]?.digest);
    expect(await messagesOf(() => resolveFromStore(bytes, { artifacts: agent.store }))).toEqual([
      `spec.pins.hooks[0].source: \`gate@1.0.0\` cannot be found: the store has no artifact \`${hooks[0]?.digest}\``,
    ]);
    remove(bytes);
    await expect(resolveFromStore(bytes, { artifacts: agent.store })).rejects.toMatchObject({
      code: "artifact-missing",
    });
  });

  it("takes an artifact from the store when its source is gone", async () => {
    const agent = sampleAgent();
    await agent.resolve();
    rmSync(join(agent.folder, "prompt.md"));
    expect((await agent.resolve()).systemPrompt).toContain("Grüße");
  });

  it("does not change the digest of a blueprint for comments and spacing, and does for anything else", async () => {
    const agent = sampleAgent();
    const before = await agent.resolve();
    appendFileSync(agent.blueprint, "\n# a remark\n");
    const remarked = await agent.resolve();
    expect(remarked.agent.blueprint).toBe(before.agent.blueprint);
    expect(remarked.bytes).not.toBe(before.bytes);
    agent.edit("blueprint.yaml", "steps: 12", "steps: 13");
    expect((await agent.resolve()).agent.blueprint).not.toBe(before.agent.blueprint);
  });
});
