import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "@bytecodealliance/jco-transpile/wasm-tools";
import { beforeAll, describe, expect, it } from "vitest";
import schema from "../../schemas/hook.v1.json" with { type: "json" };
import { digestOf } from "../../src/model/canonical.ts";
import { buildWat, watHook, withModule } from "../hazard/guests/wat.ts";
import { Lab } from "../support/lab.ts";

const FUEL = schema.properties.spec.properties.limits.properties.fuel.default;

let lab: Lab;
beforeAll(async () => {
  lab = await Lab.open();
  mkdirSync(join(lab.root, "budget"));
  for (const file of ["hook.yaml", "budget.wasm"]) copyFileSync(`hooks/budget/${file}`, join(lab.root, "budget", file));
  copyFileSync("test/guests/c/gate.wasm", join(lab.root, "gate.wasm"));
});

const inspect = (...args: readonly string[]) => lab.finished("hook", ["inspect", ...args]);

describe("hook inspect", () => {
  it("says what a component by itself is made of and can reach", async () => {
    const { code, stdout } = await inspect("gate.wasm", "--json");
    expect(code).toBe(0);
    const bytes = readFileSync("test/guests/c/gate.wasm");
    const found = JSON.parse(stdout) as object;
    expect(found).toMatchObject({
      file: "gate.wasm",
      digest: digestOf(bytes),
      bytes: bytes.length,
      ok: true,
      world: "pinion:hook/hook@1.0.0",
      imports: [{ interface: "pinion:hook/host@1.0.0", functions: ["emit-event"] }],
      exports: ["configure", "handle"],
      exit: 0,
    });
    expect(found).not.toHaveProperty("manifest");
  });

  it("says of a manifest what the hook is, may use and asks for; every limit with its default", async () => {
    const { code, stdout } = await inspect("budget", "--json");
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      file: "budget.wasm",
      manifest: {
        name: "budget",
        digest: digestOf(readFileSync("hooks/budget/hook.yaml")),
        role: "gate",
        tier: "sandboxed",
        phases: ["pre-plan", "pre-send", "pre-tool", "spawn"],
        instance: "run",
        limits: { deadlineMs: 1000, hostcalls: 10, fuel: FUEL, tableEntries: 10_000 },
        authority: { tools: [], files: [] },
      },
    });
    const words = await inspect("budget/hook.yaml");
    expect(words.stdout).toMatch(/^ {2}pinion:hook\/host@1\.0\.0 +emit-event, read-capsule, write-capsule/m);
    expect(words.stdout).toMatch(/^tier +sandboxed \(a manifest cannot raise it\)$/m);
    expect(words.stdout).toMatch(new RegExp(`^ {2}fuel +${FUEL}$`, "m"));
    expect(words.stdout).toContain("what it asks for: nothing");
  });

  it("says why a component may not be used, and exits with 2", async () => {
    const bomb = withModule(await buildWat(watHook({})), await parse("(module (memory i64 1))"));
    writeFileSync(join(lab.root, "bomb.wasm"), bomb);
    const { code, stdout } = await inspect("bomb.wasm");
    expect(code).toBe(2);
    expect(stdout).toContain("refused: core module 1 uses memory64");
    expect(JSON.parse((await inspect("bomb.wasm", "--json")).stdout)).toEqual({
      file: "bomb.wasm",
      digest: digestOf(bomb),
      bytes: bomb.length,
      ok: false,
      refused: "core module 1 uses memory64",
      exit: 2,
    });
  });

  it("R24 says what a file is that is no component at all", async () => {
    writeFileSync(join(lab.root, "text.wasm"), "hello");
    expect((await inspect("text.wasm")).stdout).toContain("refused: found bytes that are no WebAssembly");
  });

  it("finds that a component is not the one of its manifest: exit code 5", async () => {
    mkdirSync(join(lab.root, "swapped"));
    copyFileSync("hooks/budget/hook.yaml", join(lab.root, "swapped/hook.yaml"));
    copyFileSync("hooks/audit/audit.wasm", join(lab.root, "swapped/budget.wasm"));
    expect(await inspect("swapped")).toMatchObject({
      code: 5,
      stdout: "",
      stderr: expect.stringContaining("`budget.wasm` is not the component that"),
    });
  });

  it("says what cannot be read: exit code 2", async () => {
    expect(await inspect("none.wasm")).toMatchObject({ code: 2, stderr: "error: `none.wasm` does not exist\n" });
    writeFileSync(join(lab.root, "bad.yaml"), "kind: Hook\n");
    expect(await inspect("bad.yaml")).toMatchObject({ code: 2, stderr: expect.stringContaining("bad.yaml:1:1") });
  });
});
