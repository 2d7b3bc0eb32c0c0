import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { beforeAll, expect, it } from "vitest";

const root = mkdtempSync(join(tmpdir(), "pinion-package-"));
const SLOW = 120_000;

/** The package as `npm pack` would make it, unpacked, beside the dependencies of this checkout. */
beforeAll(() => {
  execFileSync(process.execPath, [
    "node_modules/.bin/tsc",
    "-p",
    "tsconfig.build.json",
    "--outDir",
    join(root, "dist"),
  ]);
  for (const file of packedFiles()) {
    mkdirSync(join(root, dirname(file)), { recursive: true });
    cpSync(file, join(root, file));
  }
  symlinkSync(resolve("node_modules"), join(root, "node_modules"));
}, SLOW);

/** What `npm pack` takes of this checkout, without the compiled part. */
function packedFiles(): string[] {
  const args = ["pack", "--dry-run", "--json", "--ignore-scripts", "--loglevel=silent"];
  const answer: unknown = JSON.parse(execFileSync("npm", args, { encoding: "utf8" }));
  const [first] = Array.isArray(answer) ? answer : Object.values(answer as object);
  const { files } = first as { files: { path: string }[] };
  return files.map((file) => file.path).filter((path) => !path.startsWith("dist/"));
}

function run(bin: string, ...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const home = join(root, "home");
  const env = { HOME: home, PATH: process.env.PATH };
  return spawnSync(process.execPath, [join(root, "bin", `${bin}.mjs`), ...args], { encoding: "utf8", env, cwd: root });
}

it("holds what runs and what it runs on, and no sources", () => {
  const files = packedFiles();
  for (const wanted of [
    "LICENSE",
    "README.md",
    "bin/launch.mjs",
    "blueprints/reviewer/blueprint.yaml",
    "blueprints/reviewer/sample/secrets/prod.key",
    "hooks/redact/hook.yaml",
    "hooks/redact/redact.wasm",
    "packages/hook-sdk/hook.ts",
    "packages/hook-sdk/world.d.ts",
    "schemas/blueprint.v1.json",
    "schemas/phase/pre-tool.v1.json",
    "templates/hook/c/pinion.h",
    "templates/hook/ts/package.json",
    "wit/hook.wit",
  ]) {
    expect(files).toContain(wanted);
  }
  expect(files.filter((file) => /^(src|test|harness|scripts|bench|docs|node_modules)\/|\.tgz$/.test(file))).toEqual([]);
});

it("gives every bin a file, and every export a compiled one", () => {
  const { bin, exports } = JSON.parse(readFileSync("package.json", "utf8")) as {
    bin: Record<string, string>;
    exports: { ".": { types: string; default: string } };
  };
  for (const file of [...Object.values(bin), ...Object.values(exports["."])]) {
    expect(readFileSync(join(root, file), "utf8")).not.toBe("");
  }
});

it(
  "makes, builds and tries a hook",
  () => {
    const inside = join(root, "authored");
    expect(run("hook", "new", "--lang", "ts", "--dir", "authored", "no-runs")).toMatchObject({ status: 0 });
    expect(run("hook", "build", "authored/no-runs")).toMatchObject({ status: 0 });
    expect(run("hook", "test", "authored/no-runs").stdout).toMatch(/5 passed, 0 failed\n$/);
    expect(readFileSync(join(inside, "no-runs/hook.yaml"), "utf8")).toContain("name: no-runs");
  },
  SLOW,
);

it(
  "runs the shipped reviewer and replays what it recorded",
  () => {
    cpSync("blueprints/reviewer/sample", join(root, "workspace"), { recursive: true });
    const file = join(root, "blueprints/reviewer/blueprint.yaml");
    const goal = ["--goal", "review the changes", "--workspace", "workspace", "--record", "out.jsonl", "--json"];
    const done = run("blueprint", "run", file, ...goal);
    expect(done.stderr).not.toMatch(/^error/m);
    expect(JSON.parse(done.stdout)).toMatchObject({ state: "completed", recording: join(root, "out.jsonl") });
    expect(run("harness", "replay", "out.jsonl")).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^identical: /),
    });
  },
  SLOW,
);
