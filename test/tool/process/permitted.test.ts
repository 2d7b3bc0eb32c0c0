import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Layer } from "../../../src/capability/layer.ts";
import { type Backend, probeBwrap } from "../../../src/tool/process/backend.ts";
import { layer as permissions, UNCONFINED } from "../kit.ts";
import { layered, mechanisms } from "../layers.ts";

const bwrap = await probeBwrap();
const CONFINED: readonly Backend[] = "program" in bwrap ? [{ name: "bwrap", program: bwrap.program }] : [];
const ways = await mechanisms();
const cases = ways.flatMap((way) =>
  [UNCONFINED, ...CONFINED].map((backend) => ({ ...way, backend, how: backend.name })),
);
const rules = (filesystem: Layer["filesystem"]) => [
  permissions({ filesystem, process: { allow: [["sh", "-c", "*"]], deny: [], network: "none" } }),
];
const call = (script: string) => ({ argv: ["sh", "-c", script] });

describe.for(cases)("what a process left, $name, $how", ({ probe, backend, absent }) => {
  test.skipIf(absent !== undefined)("H8 H9 is not taken over where the run may not write", async () => {
    const { there, merged } = await layered({
      probe,
      backend,
      layers: rules({ read: ["**"], write: ["**"], deny: ["secret/**", "**/.env", "old/denied/**"] }),
      fill({ base }) {
        mkdirSync(join(base, "old/denied"), { recursive: true });
        writeFileSync(join(base, "old/denied/x"), "x\n");
      },
    });
    const script =
      "mkdir secret SECRET new; for f in secret/a SECRET/a new/.env new/a .env; do echo a >$f; done; rm -rf old";
    expect(await there.call("process.run", call(`${script} 2>&1`))).toMatchObject({
      notes: expect.arrayContaining([expect.stringMatching(/^what the run may not change is not kept: .*"\.env"/)]),
    });
    const old = { old: "d", "old/denied": "d", "old/denied/x": "f x\n" };
    expect(merged()).toEqual({ new: "d", "new/a": "f a\n", ...old });
  });
});

describe.for(cases.filter(({ how }) => how === "bwrap"))("a confined process, $name", ({ probe, backend, absent }) => {
  test.skipIf(absent !== undefined)("H4 does not bring what is denied to another name", async () => {
    const { there, merged } = await layered({
      probe,
      backend,
      layers: rules({ read: ["**"], write: ["**"], deny: ["a/b/secret"] }),
      fill({ base }) {
        mkdirSync(join(base, "a/b"), { recursive: true });
        writeFileSync(join(base, "a/b/secret"), "secret\n");
      },
    });
    await there.call("process.run", call("mv a c; mv a/b d"));
    expect(Object.entries(merged()).filter(([, what]) => what === "f secret\n")).toEqual([
      ["a/b/secret", "f secret\n"],
    ]);
  });
});

describe.for(ways)("what an unconfined process left, $name", ({ probe, absent }) => {
  const it = test.skipIf(absent !== undefined);
  const script =
    "rm -rf docs; mkdir docs more; for f in docs/a.md docs/b more/a.md more/b lib src/a; do echo new >$f; done";
  const filesystem = { read: ["**"], write: ["*/*.md", "src/**"], deny: [] };

  it("is taken over as far as rules with wildcards go, with the directories that it needs", async () => {
    const fill = ({ base }: { base: string }) => {
      for (const folder of ["docs", "src"]) mkdirSync(join(base, folder));
      for (const file of ["docs/a.md", "docs/old", "src/old"]) writeFileSync(join(base, file), "old\n");
    };
    const { there, merged } = await layered({ probe, backend: UNCONFINED, layers: rules(filesystem), fill });
    expect(await there.call("process.run", call(script))).toMatchObject({
      notes: [
        "UNCONFINED: for a test",
        expect.stringMatching(/^what the run may not change is not kept: .*"docs\/b", .*"lib"/),
      ],
    });
    expect(merged()).toEqual({
      ...{ docs: "d", "docs/a.md": "f new\n", "docs/old": "f old\n" },
      ...{ more: "d", "more/a.md": "f new\n" },
      ...{ src: "d", "src/a": "f new\n", "src/old": "f old\n" },
    });
  });

  it("is not taken over where a file of the workspace would have to give way to a directory", async () => {
    const fill = ({ base }: { base: string }) => writeFileSync(join(base, "docs"), "old\n");
    const { there, merged } = await layered({ probe, backend: UNCONFINED, layers: rules(filesystem), fill });
    await there.call("process.run", call("rm docs; mkdir docs; echo new >docs/a.md"));
    expect(merged()).toEqual({ docs: "f old\n" });
  });
});
