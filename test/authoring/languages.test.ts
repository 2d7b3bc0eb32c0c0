import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { clangVersion } from "../../src/authoring/compilers/c.ts";
import { withDigest } from "../../src/authoring/digest.ts";
import { digestOf } from "../../src/model/canonical.ts";
import { ROLES, type Role } from "../../src/model/phase.ts";
import { buildHook } from "../../src/runtime/authoring/build.ts";
import { newHook } from "../../src/runtime/authoring/new.ts";
import { testHook } from "../../src/runtime/authoring/test.ts";
import { Lab } from "../support/lab.ts";

let lab: Lab;
beforeAll(async () => {
  lab = await Lab.open();
});

/** A new hook of a test's own; the path of its folder. */
async function made(lang: string, role: Role, name: string): Promise<string> {
  await newHook({ name, lang, role }, lab.env);
  return join(lab.root, name);
}

const cases = (folder: string) =>
  testHook({ manifest: folder, onNotice: (text) => process.stderr.write(`${text}\n`) }, lab.env);

const compiler = JSON.parse(readFileSync("test/guests/c/compiler.json", "utf8")) as { readonly clang: string };

describe.each(ROLES)("a new %s", (role) => {
  it.each(["ts", "assemblyscript"])("in %s builds and passes its cases", async (lang) => {
    const folder = await made(lang, role, `${lang}-${role}`);
    const built = await buildHook(folder, lab.env);
    expect(built.digest).toBe(digestOf(readFileSync(join(folder, built.component))));
    expect(await cases(folder)).toMatchObject({ failed: 0, exit: 0 });
  });

  it("in C, as it is committed, passes its cases: any component of the world works", async () => {
    const folder = await made("c", role, `committed-${role}`);
    const bytes = readFileSync(`test/guests/c/${role}.wasm`);
    const manifest = join(folder, "hook.yaml");
    writeFileSync(join(folder, `committed-${role}.wasm`), bytes);
    writeFileSync(manifest, withDigest(readFileSync(manifest, "utf8"), digestOf(bytes)));
    expect(await cases(folder)).toMatchObject({ failed: 0, exit: 0 });
  });

  it.runIf(clangVersion() !== undefined)(
    "in C, where clang is, builds, and by the same clang to the same bytes",
    async () => {
      const folder = await made("c", role, `c-${role}`);
      const { component } = await buildHook(folder, lab.env);
      expect(await cases(folder)).toMatchObject({ failed: 0, exit: 0 });
      const committed = digestOf(readFileSync(`test/guests/c/${role}.wasm`));
      const built = digestOf(readFileSync(join(folder, component)));
      if (clangVersion() === compiler.clang) expect(built).toBe(committed);
    },
  );
});

it("two builds of AssemblyScript give the same bytes", async () => {
  const folder = await made("assemblyscript", "observer", "twice");
  const first = await buildHook(folder, lab.env);
  expect(await buildHook(folder, lab.env)).toEqual(first);
});
