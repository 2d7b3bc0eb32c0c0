import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hookNames, readLock, staleness } from "../../scripts/build-hooks.ts";
import { compile } from "../../scripts/hooks/compile.ts";
import { readSources, type Sources } from "../../scripts/hooks/sources.ts";
import { digestOf } from "../../src/model/canonical.ts";
import { load } from "./component.ts";

const root = join(import.meta.dirname, "../..");

describe("the build of hooks", () => {
  it.each(hookNames(root))("has built the committed %s from its sources", (name) => {
    expect(staleness(root, name, readLock(root)[name])).toBeUndefined();
  });

  it("builds the same bytes of redact again", async () => {
    const component = await compile(root, readSources(root, "redact"));
    expect(digestOf(component)).toBe(readLock(root).redact?.component);
  });

  it("says what is wrong with sources that do not compile", async () => {
    const { files } = readSources(root, "budget");
    const entry = "hooks/budget/hook.ts";
    const broken: Sources = {
      language: "typescript",
      entry,
      files: new Map([...files, [entry, "export const x = ;"]]),
    };
    await expect(compile(root, broken)).rejects.toThrow(/unexpected token.*\n.*hooks\/budget\/hook\.ts:1/s);
  });

  describe("says that a component is stale", () => {
    let copy: string;
    beforeAll(() => {
      copy = mkdtempSync(join(tmpdir(), "pinion-hooks-"));
      for (const path of ["hooks", "wit", "package.json"])
        cpSync(join(root, path), join(copy, path), { recursive: true });
    });
    afterAll(() => rmSync(copy, { recursive: true }));

    it.each([
      ["hooks/budget/hook.ts", "its sources are newer than its component"],
      ["hooks/sdk/prelude.ts", "its sources are newer than its component"],
      ["wit/hook.wit", "its sources are newer than its component"],
      ["hooks/budget/budget.wasm", "its component is not the one that was built"],
      ["hooks/budget/hook.yaml", "its manifest names another component"],
    ])("after a change of %s", (path, reason) => {
      const before = readFileSync(join(copy, path));
      const text = before.toString("latin1");
      const after = path.endsWith(".yaml")
        ? text.replace(/sha256:./, "sha256:x").replace("sha256:x", text.includes("sha256:0") ? "sha256:1" : "sha256:0")
        : `${text} `;
      writeFileSync(join(copy, path), after, "latin1");
      expect(staleness(copy, "budget", readLock(copy).budget)).toBe(reason);
      writeFileSync(join(copy, path), before);
      expect(staleness(copy, "budget", readLock(copy).budget)).toBeUndefined();
    });

    it("before it was built", () => {
      expect(staleness(copy, "budget", undefined)).toBe("it was never built");
    });
  });
});

/** A hook as an author writes it: it calls what the payload names, and allows. */
const EXAMPLE = `
  import { allow, defineHook } from "../sdk/hook.ts";
  const calls = {
    "Date.now": () => Date.now(), "new Date()": () => new Date(), "Date()": () => Date(),
    "performance.now": () => performance.now(), "Math.random": () => Math.random(),
    "a given date": () => new Date(0) instanceof Date && new Date(0).toISOString(),
  };
  export const { configure, handle } = defineHook({
    configure({ greeting }) {
      if (!greeting) throw new Error("\`greeting\` is missing");
      return greeting;
    },
    handlers: { "pre-tool": ({ call }, greeting) => allow(greeting + " " + calls[call]()) },
  });`;

describe("the kit for authors", () => {
  let create: Awaited<ReturnType<typeof load>>;
  beforeAll(async () => {
    const entry = "hooks/example/hook.ts";
    const files = new Map([...readSources(root, "budget").files, [entry, EXAMPLE]]);
    const folder = mkdtempSync(join(tmpdir(), "pinion-hooks-"));
    try {
      writeFileSync(join(folder, "hook.wasm"), await compile(root, { language: "typescript", entry, files }));
      create = await load(join(folder, "hook.wasm"));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("hands the configuration and the payload to the handler of the phase", () => {
    const guest = create();
    expect(() => guest.handle("pre-tool", "{}")).toThrow("`handle` was called before `configure`");
    expect(() => guest.configure({})).toThrow("`greeting` is missing");
    guest.configure({ greeting: "it is" });
    const answer = guest.handle("pre-tool", '{"call":"a given date"}');
    expect(answer).toMatchObject({ decision: "allow", rationale: "it is 1970-01-01T00:00:00.000Z" });
    expect(() => guest.handle("spawn", "{}")).toThrow("this hook has no handler for the phase `spawn`");
  });

  it.each([
    ["D1", "Date.now", "now"],
    ["D1", "new Date()", "now"],
    ["D1", "Date()", "now"],
    ["D1", "performance.now", "now"],
    ["D2", "Math.random", "random"],
  ])("%s `%s` is an error that names `%s` of the host instead", (_, call, instead) => {
    const guest = create();
    guest.configure({ greeting: "it is" });
    expect(() => guest.handle("pre-tool", JSON.stringify({ call }))).toThrow(
      `\`${call}\` does not exist in a hook: call \`${instead}\` of \`pinion:hook/host@1.0.0\``,
    );
  });
});
