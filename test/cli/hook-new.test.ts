import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { Lab } from "../support/lab.ts";

let lab: Lab;
beforeAll(async () => {
  lab = await Lab.open();
});

const hook = (...args: readonly string[]) => lab.finished("hook", ["new", ...args]);

describe("hook new", () => {
  it.each([
    ["ts", "gate", ["hook.ts", "sdk/hook.ts", "sdk/world.d.ts", "tsconfig.json", "package.json"]],
    ["assemblyscript", "transformer", ["assembly/index.ts", "assembly/hook.ts", "asconfig.json"]],
    ["c", "observer", ["hook.c", "pinion.h"]],
  ])("makes a folder for a hook in %s, a %s", async (lang, role, files) => {
    const { code, stdout } = await hook(`a-${lang}`, "--lang", lang, "--role", role, "--json");
    expect(code).toBe(0);
    const made = JSON.parse(stdout) as { files: string[] };
    expect(made).toMatchObject({ name: `a-${lang}`, folder: `a-${lang}` });
    expect(made.files).toEqual(
      expect.arrayContaining(["README.md", "cases.yaml", "event.json", "hook.yaml", ...files]),
    );
    const text = (file: string) => readFileSync(join(lab.root, `a-${lang}`, file), "utf8");
    for (const file of made.files) expect(text(file)).not.toContain("HOOK_NAME");
    expect(text("hook.yaml")).toContain(`role: ${role}`);
    expect(text("hook.yaml")).toContain(`file: a-${lang}.wasm`);
  });

  it("says what to do next, on stderr", async () => {
    const { stdout, stderr } = await hook("plain", "--lang", "c", "--dir", "deep/er");
    expect(stdout).toMatch(/^deep\/er\/plain\/README\.md\n/);
    expect(stderr).toContain("next: `cd deep/er/plain && hook build && hook test`");
  });

  it("leaves a folder that is there as it is", async () => {
    mkdirSync(join(lab.root, "mine"));
    writeFileSync(join(lab.root, "mine/precious"), "data");
    const { code, stdout, stderr } = await hook("mine", "--lang", "ts");
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toBe(
      `error: \`${lab.root}/mine\` is there already\n  take another name, or another folder with \`--dir\`\n`,
    );
    expect(readdirSync(join(lab.root, "mine"))).toEqual(["precious"]);
  });

  it("leaves a file that has the name as it is", async () => {
    writeFileSync(join(lab.root, "file"), "data");
    expect(await hook("file", "--lang", "c")).toMatchObject({ code: 2, stdout: "" });
    expect(readFileSync(join(lab.root, "file"), "utf8")).toBe("data");
  });

  it.each([
    ["Upper", "is no name for a hook"],
    ["../outside", "is no name for a hook"],
    ["two--hyphens", "is no name for a hook"],
    ["constructor", "is no name for a hook"],
    ["x".repeat(65), "is no name for a hook"],
    ["", "is no name for a hook"],
  ])("refuses the name %j and makes nothing", async (name, message) => {
    const before = readdirSync(lab.root);
    const { code, stderr } = await hook("--lang", "ts", "--", name);
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(message) });
    expect(readdirSync(lab.root)).toEqual(before);
  });

  it("shows no more of a long name than a name may have", async () => {
    const { code, stderr } = await hook("x".repeat(300), "--lang", "ts");
    expect(code).toBe(2);
    expect(stderr).toMatch(/^error: "x{64}"… \(300 characters\) is no name for a hook: expected /);
  });

  it.each([
    ["/proc", "ENOENT"],
    ["/proc/deep/er", "ENOENT"],
    ["/dev/null", "ENOTDIR"],
    ["n".repeat(256), "ENAMETOOLONG"],
  ])("says that no folder can be made in %s, and why", async (dir, code) => {
    expect(await hook("placeless", "--lang", "c", "--dir", dir)).toEqual({
      code: 2,
      stdout: "",
      stderr: `error: \`${resolve(lab.root, dir)}/placeless\` cannot be made (${code})\n  choose another folder with \`--dir\`\n`,
    });
  });

  it("refuses a language and a role that there are not", async () => {
    expect((await hook("x", "--lang", "cobol")).stderr).toContain(
      "there is no language `cobol`: expected ts, assemblyscript, c",
    );
    expect((await hook("x", "--lang", "ts", "--role", "boss")).stderr).toContain(
      "there is no role `boss`: expected gate, transformer, observer",
    );
    expect(await hook("x")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("required option `--lang <language>` not specified"),
    });
    expect(existsSync(join(lab.root, "x"))).toBe(false);
  });
});
