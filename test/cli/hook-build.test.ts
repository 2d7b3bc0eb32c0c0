import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { digestOf } from "../../src/model/canonical.ts";
import { newHook } from "../../src/runtime/authoring/new.ts";
import { Lab } from "../support/lab.ts";

let lab: Lab;
beforeAll(async () => {
  lab = await Lab.open();
  for (const [name, lang, role] of [
    ["ts", "ts", "gate"],
    ["wrong", "ts", "gate"],
    ["lost", "ts", "gate"],
    ["typed", "ts", "gate"],
    ["broken", "assemblyscript", "gate"],
  ] as const) {
    await newHook({ name, lang, role }, lab.env);
  }
});

const hook = (...args: readonly string[]) => lab.finished("hook", args);
const path = (file: string) => join(lab.root, file);
const text = (file: string) => readFileSync(path(file), "utf8");
const change = (file: string, from: string | RegExp, to: string) =>
  writeFileSync(path(file), text(file).replace(from, to));

describe("hook build", () => {
  it("writes the component, and its digest into the manifest, where everything else stays", async () => {
    change("ts/hook.yaml", "metadata:", "# mine\nmetadata:   # and mine");
    const before = text("ts/hook.yaml");
    const { code, stdout, stderr } = await hook("build", "ts", "--json");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const digest = digestOf(readFileSync(path("ts/ts.wasm")));
    const after = text("ts/hook.yaml");
    expect(after).toBe(before.replace(/"sha256:0{64}"/, `"${digest}"`));
    expect(JSON.parse(stdout)).toEqual({
      hook: "ts",
      language: "typescript",
      component: "ts.wasm",
      bytes: readFileSync(path("ts/ts.wasm")).length,
      digest,
      manifest: digestOf(after),
    });
    expect(readdirSync(path("ts")).filter((name) => name.endsWith(".partial"))).toEqual([]);
  });

  it("follows imports out of the folder", async () => {
    mkdirSync(path("shared"));
    writeFileSync(path("shared/words.ts"), 'export const WORD: string = "`file.read` is fine, says the library";\n');
    change("typed/hook.ts", "import { emit }", 'import { WORD } from "../shared/words.ts";\nimport { emit }');
    change("typed/hook.ts", /allow\(`.*`\)/, "allow(WORD)");
    expect(await hook("build", "typed/hook.yaml")).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^typed\.wasm {2}\d+ bytes\nsha256:/),
    });
    const { stdout } = await hook("test", "typed");
    expect(stdout).toContain('found     "`file.read` is fine, says the library"');
  });

  it("says where the source is wrong, and leaves manifest and component alone", async () => {
    change("wrong/hook.ts", "interface Config", "const = 3;\ninterface Config");
    const before = text("wrong/hook.yaml");
    const { code, stderr } = await hook("build", "wrong");
    expect(code).toBe(1);
    expect(stderr).toBe(
      "error: hook.ts:4:7: Unexpected token `=`. Expected yield, an identifier, [ or {\n  const = 3;\n        ^\n",
    );
    expect(text("wrong/hook.yaml")).toBe(before);
    expect(readdirSync(path("wrong"))).not.toContain("wrong.wasm");
  });

  it("says which import leads nowhere", async () => {
    change("lost/hook.ts", "./sdk/host.ts", "./sdk/guest.ts");
    expect(await hook("build", "lost")).toMatchObject({
      code: 1,
      stderr: "error: hook.ts:2: imports `./sdk/guest.ts`, which is not there\n  name the file with its ending\n",
    });
  });

  it("shows what the compiler of AssemblyScript says", async () => {
    change("broken/assembly/hook.ts", 'let deny: string = "[]";', "let deny: string = 7;");
    const { code, stderr } = await hook("build", "broken");
    expect(code).toBe(1);
    expect(stderr).toContain("in assembly/hook.ts(4,20)");
  });

  it("says when there is no source, no manifest, or a manifest that is wrong", async () => {
    mkdirSync(path("empty"));
    expect(await hook("build", "empty")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("`hook new` makes one, with a source"),
    });
    writeFileSync(path("empty/hook.yaml"), text("ts/hook.yaml"));
    expect(await hook("build", "empty")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("expected `hook.ts`, `assembly/index.ts`, `hook.c`"),
    });
    writeFileSync(path("empty/hook.yaml"), text("ts/hook.yaml").replace("role: gate", "role: king"));
    expect(await hook("build", "empty")).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/empty\/hook\.yaml:\d+:\d+ spec\.role: expected one of/),
    });
  });
});
