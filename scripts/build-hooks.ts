/**
 * Builds the components of first-party hooks whose sources changed, and writes their digests into the manifests and the
 * digests of the manifests into the shipped blueprints.
 * `--force` builds all of them; `--check` builds nothing and fails when a committed component is not that of its sources.
 */
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { digestOf } from "../src/model/canonical.ts";
import { readSources, sourceDigest } from "./hooks/sources.ts";
import { pinFile } from "./pin.ts";

/** Which sources a component was built from: builds of QuickJS cannot be repeated, so this cannot be found out again. */
interface Built {
  readonly source: string;
  readonly component: string;
}

const LOCK = "hooks/build.lock.json";
const DIGEST = /sha256:[0-9a-f]{64}/g;

/** The names of the hooks below `root`, in order. */
export function hookNames(root: string): readonly string[] {
  return globSync("hooks/*/hook.yaml", { cwd: root })
    .map((path) => path.split("/")[1] ?? "")
    .sort();
}

/** Why the committed component of a hook is not that of its sources, or undefined. */
export function staleness(root: string, name: string, built: Built | undefined): string | undefined {
  if (built === undefined) return "it was never built";
  if (sourceDigest(root, readSources(root, name)) !== built.source) return "its sources are newer than its component";
  if (componentDigest(root, name) !== built.component) return "its component is not the one that was built";
  if (manifestDigest(root, name) !== built.component) return "its manifest names another component";
  return undefined;
}

function componentDigest(root: string, name: string): string | undefined {
  const path = join(root, `hooks/${name}/${name}.wasm`);
  return globSync(path).length === 0 ? undefined : digestOf(readFileSync(path));
}

function manifestDigest(root: string, name: string): string {
  const found = readFileSync(join(root, `hooks/${name}/hook.yaml`), "utf8").match(DIGEST) ?? [];
  if (found.length !== 1) throw new Error(`hooks/${name}/hook.yaml: expected one digest, found ${found.length}`);
  return found[0] ?? "";
}

async function build(root: string, name: string): Promise<Built> {
  const { compile } = await import("./hooks/compile.ts");
  const sources = readSources(root, name);
  const component = await compile(root, sources);
  const digest = digestOf(component);
  const manifest = join(root, `hooks/${name}/hook.yaml`);
  writeFileSync(join(root, `hooks/${name}/${name}.wasm`), component);
  writeFileSync(manifest, readFileSync(manifest, "utf8").replace(manifestDigest(root, name), digest));
  console.log(`${name}: ${component.length} bytes, ${digest}`);
  return { source: sourceDigest(root, sources), component: digest };
}

async function main(
  root: string,
  { check, force }: { readonly check: boolean; readonly force: boolean },
): Promise<void> {
  const lock = readLock(root);
  for (const name of hookNames(root)) {
    const stale = force ? "building is forced" : staleness(root, name, lock[name]);
    if (stale === undefined) continue;
    if (check) {
      console.error(`hooks/${name}: ${stale}; run \`npm run build:hooks\` and commit what it writes`);
      process.exitCode = 1;
      continue;
    }
    lock[name] = await build(root, name);
  }
  if (check) return;
  writeFileSync(join(root, LOCK), `${JSON.stringify(lock, null, 2)}\n`);
  for (const file of globSync("blueprints/**/blueprint.yaml", { cwd: root })) await pinFile(join(root, file), root);
}

/** What was built from what, by hook. */
export function readLock(root: string): Record<string, Built> {
  return globSync(LOCK, { cwd: root }).length === 0 ? {} : JSON.parse(readFileSync(join(root, LOCK), "utf8"));
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { check: { type: "boolean" }, force: { type: "boolean" } } });
  await main(resolve(import.meta.dirname, ".."), { check: values.check === true, force: values.force === true });
}
