import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";

/** A package folder with the real launcher, and a command that says which Node runs it and with what. */
function packageFolder(compiled: boolean): string {
  const root = mkdtempSync(join(tmpdir(), "pinion-launch-"));
  cpSync("bin", join(root, "bin"), { recursive: true });
  const folder = join(root, compiled ? "dist/src/cli" : "src/cli");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(root, "package.json"), '{"type":"module"}');
  const type = compiled ? "" : ": string[]";
  writeFileSync(
    join(folder, compiled ? "blueprint.js" : "blueprint.ts"),
    `export function main(args${type}) { console.log(process.version, ...args); return 4; }`,
  );
  return root;
}

function launch(root: string, node: string) {
  const env = { HOME: root, PATH: process.env.PATH };
  return spawnSync(node, [join(root, "bin/blueprint.mjs"), "a", "b c"], { encoding: "utf8", env });
}

it("runs the sources of a checkout and passes arguments and exit code on", () => {
  const { status, stdout } = launch(packageFolder(false), process.execPath);
  expect(stdout).toBe(`${process.version} a b c\n`);
  expect(status).toBe(4);
});

it("runs the compiled form of a published package", () => {
  expect(launch(packageFolder(true), process.execPath)).toMatchObject({
    status: 4,
    stdout: `${process.version} a b c\n`,
  });
});

it("S15 generated code swapped in the cache: compiled code is cached in the user's own folder, not in a shared one", () => {
  const root = packageFolder(false);
  launch(root, process.execPath);
  expect(existsSync(join(root, ".cache/pinion/compiled"))).toBe(true);
});

const old = ["/usr/bin/node", "/usr/local/bin/node"].find((path) => {
  const version = /^v(\d+)/.exec(spawnSync(path, ["--version"], { encoding: "utf8" }).stdout ?? "")?.[1];
  return version !== undefined && Number(version) < 24;
});

it.runIf(old)("finds the newer Node of its own node_modules when it is started with an older one", () => {
  const root = packageFolder(false);
  mkdirSync(join(root, "node_modules/node/bin"), { recursive: true });
  symlinkSync(process.execPath, join(root, "node_modules/node/bin/node"));
  expect(launch(root, old ?? "")).toMatchObject({ status: 4, stdout: `${process.version} a b c\n` });
});

it.runIf(old)("says in one line that the Node is too old when there is no newer one", () => {
  const { status, stdout, stderr } = launch(packageFolder(false), old ?? "");
  expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
  expect(stderr).toMatch(/^error: this needs Node 24 or newer and runs on v\d+\.\d+\.\d+; .+\n$/);
});
