import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import { type Catalog, openCatalog } from "../../src/blueprint/catalog.ts";
import { loadBlueprint } from "../../src/blueprint/load.ts";
import { InputError } from "../../src/model/errors.ts";
import { runs, seed } from "../support/property.ts";
import { sampleAgent } from "./sample.ts";

const edition = "1";

async function open(root: string, folders: readonly string[]): Promise<Catalog> {
  const catalog = await openCatalog({ file: join(root, "cache", "catalog.db"), folders, edition });
  onTestFinished(() => catalog.close());
  return catalog;
}

const names = (catalog: Catalog): string[] =>
  catalog.list().map((entry) => (entry.kind === "blueprint" ? entry.name : entry.kind));

describe("the catalog", () => {
  it("lists the blueprints below its folders, children too, in the order of their names", async () => {
    const { root, folder, blueprint } = sampleAgent();
    const catalog = await open(root, [folder]);
    expect(catalog.list()).toEqual([]);
    await catalog.scan();
    expect(names(catalog)).toEqual(["helper", "sample"]);
    const shown = catalog.show("sample");
    const loaded = await loadBlueprint(blueprint);
    expect(shown).toMatchObject({
      path: blueprint,
      version: "1.2.3",
      description: "an agent for tests",
      digest: loaded.digest,
    });
    expect(shown.blueprint).toEqual(loaded.blueprint);
  });

  it("lists a broken file with its faults", async () => {
    const agent = sampleAgent();
    agent.edit("helper/blueprint.yaml", "Help.", "7");
    writeFileSync(join(agent.folder, "empty.blueprint.yaml"), "");
    const catalog = await open(agent.root, [agent.folder]);
    await catalog.scan();
    expect(names(catalog)).toEqual(["sample", "broken", "broken"]);
    expect(catalog.list().at(-1)).toMatchObject({
      kind: "broken",
      faults: [{ line: 6, column: 25, pointer: "/spec/instructions/text" }],
    });
  });

  it("follows the files: changed, added, removed", async () => {
    const agent = sampleAgent();
    const catalog = await open(agent.root, [agent.folder]);
    await catalog.scan();
    agent.edit("blueprint.yaml", "name: sample\n", "name: renamed\n");
    rmSync(join(agent.folder, "helper"), { recursive: true });
    await catalog.scan();
    expect(names(catalog)).toEqual(["renamed"]);
    const again = await open(agent.root, [agent.folder]);
    expect(names(again)).toEqual(["renamed"]);
  });

  it("names what is probably meant, and every file of a name that is used twice", async () => {
    const { root, folder } = sampleAgent();
    cpSync(join(folder, "blueprint.yaml"), join(folder, "copy", "blueprint.yaml"));
    const catalog = await open(root, [folder]);
    await catalog.scan();
    expect(() => catalog.show("smaple")).toThrow("there is no blueprint named `smaple`; did you mean `sample`?");
    expect(() => catalog.show("sample")).toThrow(InputError);
    expect(() => catalog.show("sample")).toThrow(join(folder, "copy", "blueprint.yaml"));
  });

  it("keeps catalogs of other folders in the same file apart", async () => {
    const agent = sampleAgent();
    const other = join(agent.root, "agent-backup");
    cpSync(join(agent.folder, "helper"), other, { recursive: true });
    const [one, two] = [await open(agent.root, [agent.folder]), await open(agent.root, [other])];
    await one.scan();
    await two.scan();
    expect([names(one), names(two)]).toEqual([["helper", "sample"], ["helper"]]);
    expect(two.show("helper").path).toBe(join(other, "blueprint.yaml"));
  });

  it("passes over links, hidden folders, node_modules and folders that are not there", async () => {
    const { root, folder } = sampleAgent();
    for (const hidden of [".git", "node_modules"]) {
      mkdirSync(join(folder, hidden));
      cpSync(join(folder, "blueprint.yaml"), join(folder, hidden, "blueprint.yaml"));
    }
    symlinkSync(folder, join(folder, "loop"));
    symlinkSync(join(folder, "blueprint.yaml"), join(folder, "link.blueprint.yaml"));
    const catalog = await open(root, [folder, join(root, "nowhere")]);
    await catalog.scan();
    expect(names(catalog)).toEqual(["helper", "sample"]);
  });

  it("is emptied by another edition", async () => {
    const { root, folder } = sampleAgent();
    await (await open(root, [folder])).scan();
    const newer = await openCatalog({ file: join(root, "cache", "catalog.db"), folders: [folder], edition: "2" });
    onTestFinished(() => newer.close());
    expect(newer.list()).toEqual([]);
    await newer.scan();
    expect(names(newer)).toEqual(["helper", "sample"]);
  });

  it("is rebuilt when its file is damaged anywhere", async () => {
    const { root, folder } = sampleAgent();
    const file = join(root, "cache", "catalog.db");
    const first = await openCatalog({ file, folders: [folder], edition });
    await first.scan();
    first.close();
    const whole = readFileSync(file);
    const damage = fc.record({
      at: fc.nat(whole.length - 1),
      length: fc.integer({ min: 1, max: 5000 }),
      byte: fc.nat(255),
    });
    await fc.assert(
      fc.asyncProperty(damage, async ({ at, length, byte }) => {
        writeFileSync(file, Buffer.from(whole).fill(byte, at, Math.min(at + length, whole.length)));
        const catalog = await openCatalog({ file, folders: [folder], edition });
        try {
          await catalog.scan();
          expect(names(catalog)).toEqual(["helper", "sample"]);
        } finally {
          catalog.close();
        }
      }),
      { seed, numRuns: runs(25, 2_000) },
    );
  });

  it.each(["not a database", "", "SQLite format 3\0"])("is rebuilt when its file holds %j", async (text) => {
    const { root, folder } = sampleAgent();
    mkdirSync(join(root, "cache"));
    writeFileSync(join(root, "cache", "catalog.db"), text);
    const catalog = await open(root, [folder]);
    await catalog.scan();
    expect(names(catalog)).toEqual(["helper", "sample"]);
  });

  it("says so when its file cannot be opened", async () => {
    const { root, folder } = sampleAgent();
    mkdirSync(join(root, "cache", "catalog.db"), { recursive: true });
    await expect(open(root, [folder])).rejects.toThrow("cannot open the catalog");
  });

  it("survives being killed while it indexes", async () => {
    const { root, folder } = sampleAgent();
    for (let n = 0; n < 40; n += 1) {
      const text = readFileSync(join(folder, "helper/blueprint.yaml"), "utf8").replace(
        "name: helper",
        `name: helper-${n}`,
      );
      mkdirSync(join(folder, `many-${n}`));
      writeFileSync(join(folder, `many-${n}`, "blueprint.yaml"), text);
    }
    const module = new URL("../../src/blueprint/catalog.ts", import.meta.url).href;
    const file = join(root, "cache", "catalog.db");
    const script = `import { openCatalog } from ${JSON.stringify(module)};
      for (;;) {
        const catalog = await openCatalog({ file: ${JSON.stringify(file)}, folders: [${JSON.stringify(folder)}], edition: "1" });
        process.stdout.write("x");
        await catalog.scan();
        catalog.close();
      }`;
    for (let round = 0; round < runs(3, 50); round += 1) {
      const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      for (let n = 0; n <= round % 5; n += 1) await once(child.stdout, "data");
      child.kill("SIGKILL");
      await once(child, "exit");
      const catalog = await openCatalog({ file, folders: [folder], edition });
      await catalog.scan();
      expect(names(catalog)).toHaveLength(42);
      catalog.close();
    }
  });
});
