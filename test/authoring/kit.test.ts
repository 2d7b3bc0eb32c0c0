import { mkdirSync, mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { chmod } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { npmTool } from "../../src/authoring/compilers/tool.ts";
import { withDigest } from "../../src/authoring/digest.ts";
import { type Answer, differences } from "../../src/authoring/expectation.ts";
import { replaceFile } from "../../src/authoring/replace.ts";
import { scaffold } from "../../src/authoring/scaffold.ts";
import { findSources } from "../../src/authoring/sources.ts";
import { digestOf } from "../../src/model/canonical.ts";

const folder = () => mkdtempSync(join(tmpdir(), "pinion-kit-"));

describe("a compiler", () => {
  it("that is not installed is named with the command that installs it", () => {
    const root = folder();
    expect(() => npmTool("componentize-qjs", "componentize-qjs", { root, wit: "", lookIn: [root] })).toThrow(
      expect.objectContaining({
        message: `the compiler \`componentize-qjs\` is not installed, neither for \`${root}\` nor with Pinion`,
        hint: "npm install --save-dev componentize-qjs@0.4.5",
      }),
    );
  });

  it("of the hook's own project comes before the one of Pinion's installation", () => {
    const own = folder();
    mkdirSync(join(own, "node_modules/assemblyscript"), { recursive: true });
    const manifest = { name: "assemblyscript", version: "9.9.9", bin: { asc: "asc.js" } };
    writeFileSync(join(own, "node_modules/assemblyscript/package.json"), JSON.stringify(manifest));
    const found = npmTool("assemblyscript", "asc", { root: own, wit: "", lookIn: [own, process.cwd()] });
    expect(found).toEqual({ script: join(own, "node_modules/assemblyscript/asc.js"), version: "9.9.9" });
    expect(npmTool("assemblyscript", "asc", { root: own, wit: "", lookIn: [folder(), process.cwd()] }).version).toBe(
      "0.28.20",
    );
  });

  it("that is named in the hints is the one that this repository builds with", () => {
    const { devDependencies } = JSON.parse(readFileSync("package.json", "utf8"));
    for (const name of ["componentize-qjs", "assemblyscript"]) {
      const install = `npm install --save-dev ${name}@${devDependencies[name]}`;
      expect(() => npmTool(name, name, { root: "", wit: "", lookIn: [] })).toThrow(
        expect.objectContaining({ hint: install }),
      );
    }
    const wanted = (lang: string) =>
      JSON.parse(readFileSync(`templates/hook/${lang}/package.json`, "utf8")).devDependencies;
    expect({ ...wanted("ts"), ...wanted("assemblyscript") }).toEqual({
      "componentize-qjs": devDependencies["componentize-qjs"],
      assemblyscript: devDependencies.assemblyscript,
    });
  });
});

describe("the digest in a manifest", () => {
  const digest = digestOf("component");
  const text = (value: string) =>
    `# mine\nspec:\n  component: { file: a.wasm,   digest: ${value} } # keep\n  role: gate\n`;
  it.each(['"sha256:00"', "'sha256:00'", "sha256:00"])("is replaced where it stands, written as %s", (value) => {
    expect(withDigest(text(value), digest)).toBe(text(JSON.stringify(digest)));
  });

  it("stays as it is written when it is the same", () => {
    expect(withDigest(text(digest), digest)).toBe(text(digest));
  });
});

describe("replacing a file", () => {
  it("keeps its mode and leaves nothing beside it", async () => {
    const path = join(folder(), "hook.yaml");
    writeFileSync(path, "old");
    await chmod(path, 0o640);
    await replaceFile(path, "new");
    expect(readFileSync(path, "utf8")).toBe("new");
    expect(statSync(path).mode & 0o777).toBe(0o640);
    expect(readdirSync(join(path, ".."))).toEqual(["hook.yaml"]);
  });

  it("leaves the old one, and nothing beside it, when it cannot be done", async () => {
    const path = join(folder(), "hook.yaml");
    mkdirSync(path);
    await expect(replaceFile(path, "new")).rejects.toThrow();
    expect(readdirSync(join(path, ".."))).toEqual(["hook.yaml"]);
  });
});

describe("the folder of a new hook", () => {
  it("is not there, nor a part of it, when a template cannot be read", async () => {
    const root = folder();
    const parts = { name: "a", language: "c", role: "gate", folder: join(root, "a"), installation: root } as const;
    await expect(scaffold(parts)).rejects.toThrow("ENOENT");
    expect(readdirSync(root)).toEqual([]);
  });
});

describe("the sources of a hook", () => {
  it("are refused when there are two", () => {
    const root = folder();
    for (const file of ["hook.ts", "hook.c"]) writeFileSync(join(root, file), "");
    expect(() => findSources(root)).toThrow(`there are several sources in \`${root}\`: \`hook.ts\`, \`hook.c\``);
  });

  it("that import from above have the folder in common as their root", () => {
    const root = folder();
    mkdirSync(join(root, "hooks/one/lib"), { recursive: true });
    writeFileSync(join(root, "hooks/one/hook.ts"), 'import "./lib/a.ts";\nimport "../../shared.ts";\n');
    writeFileSync(join(root, "hooks/one/lib/a.ts"), "export const a: number = 1;\n");
    writeFileSync(join(root, "shared.ts"), "export const b = 2;\n");
    const found = findSources(join(root, "hooks/one"));
    expect(found.root).toBe(root);
    expect(found.sources.entry).toBe("hooks/one/hook.ts");
    expect([...found.sources.files.keys()].sort()).toEqual(["hooks/one/hook.ts", "hooks/one/lib/a.ts", "shared.ts"]);
    expect(found.sources.files.get("hooks/one/lib/a.ts")).toBe("export const a         = 1;\n");
  });
});

describe("an answer", () => {
  const answer: Answer = { decision: "allow", rationale: "all is well", events: [], capsules: [], approvals: [] };
  it("that is as expected has no differences", () => {
    expect(differences(answer, { decision: "allow", rationale: ["well"] })).toEqual([]);
    expect(
      differences(
        { ...answer, decision: "transform", payload: { a: 1 } },
        { decision: "transform", payload: { a: 1 } },
      ),
    ).toEqual([]);
  });

  it.each([
    ["another decision", { decision: "block" }, ["decision"]],
    ["another rationale", { decision: "allow", rationale: ["ill"] }, ["rationale"]],
    ["an error instead", { error: "x" }, ["outcome"]],
    ["events that did not come", { decision: "allow", events: [{ kind: "a", data: 1 }] }, ["events[0]"]],
    ["a payload that did not come", { decision: "allow", payload: { a: 1 } }, ["payload"]],
  ])("that has %s is told apart", (_, expected, what) => {
    expect(differences(answer, expected).map((one) => one.what)).toEqual(what);
  });

  it.each([
    ["an event that nobody expected", { events: [{ kind: "a", data: 1 }] }, "events[0]"],
    ["a capsule that nobody expected", { capsules: [{ kind: "risk", value: 1 }] }, "capsules[0]"],
    ["an approval that nobody expected", { approvals: [1] }, "approvals[0]"],
  ])("with %s differs", (_, more, what) => {
    expect(differences({ ...answer, ...more }, { decision: "allow" })).toMatchObject([{ what, expected: "nothing" }]);
  });

  it("that failed differs from a decision, and from another error", () => {
    const { decision: _, rationale: __, ...said } = answer;
    const failed = { ...said, error: "it trapped" };
    expect(differences(failed, { decision: "allow" })).toEqual([
      { what: "outcome", expected: "allow", found: "failed: it trapped" },
    ]);
    expect(differences(failed, { error: "limit" })).toMatchObject([{ what: "error", found: '"it trapped"' }]);
    expect(differences(failed, { error: "trapped" })).toEqual([]);
  });

  it("names the innermost places of a payload that differ", () => {
    const found = { ...answer, decision: "transform", payload: { a: { b: [1, 2], c: "x" }, e: 1 } };
    const expected = { decision: "transform", payload: { a: { b: [1, 3], c: "x" }, d: 1 } };
    expect(differences(found, expected)).toEqual([
      { what: "payload.a.b[1]", expected: "3", found: "2" },
      { what: "payload.d", expected: "1", found: "nothing" },
      { what: "payload.e", expected: "nothing", found: "1" },
    ]);
  });
});
