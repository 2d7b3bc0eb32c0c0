import { readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { PinMismatchError } from "../../src/blueprint/fault.ts";
import { loadBlueprint } from "../../src/blueprint/load.ts";
import { resolveFromStore } from "../../src/blueprint/resolve.ts";
import { canonicalJson, digestOf } from "../../src/model/canonical.ts";
import { messagesOf, sampleAgent } from "./sample.ts";

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
    expect(resolved.hooks[1]?.authority.files).toEqual([{ name: "workspace", path: "docs/public", actions: ["read"] }]);
    expect(resolved.hooks[0]?.authority).toEqual({ tools: [], files: [] });
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
});
