import { readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { isMap, isScalar, isSeq, parseDocument, type YAMLMap } from "yaml";
import { digestOf } from "../src/model/canonical.ts";

/**
 * Writes the digests (and versions) of what a blueprint or a hook manifest pins, as they are in its sources now, into
 * the file. Only those scalars change: comments, order and spacing stay. Manifests and children are pinned first, since
 * that changes their bytes. `installation` is where `builtin:` sources are.
 *
 * `node scripts/pin.ts <file> …`
 */
export async function pinFile(file: string, installation: string): Promise<boolean> {
  const text = await readFile(file, "utf8");
  const document = parseDocument(text, { uniqueKeys: true, version: "1.2" });
  if (document.errors.length > 0) throw new Error(`${file}: ${document.errors[0]?.message}`);
  const edits = new Map<readonly [number, number], string>();
  const set = (pin: YAMLMap, field: string, value: string): void => {
    const scalar = pin.get(field, true);
    if (!isScalar(scalar) || !scalar.range) throw new Error(`${file}: a pin without \`${field}\``);
    if (scalar.value !== value) edits.set([scalar.range[0], scalar.range[1]], JSON.stringify(value));
  };
  for (const { pin, source, path } of pinsOf(document.get("spec"), dirname(file), installation)) {
    if (source === "component") {
      set(pin, "digest", digestOf(await readFile(path)));
      continue;
    }
    if (source === "hooks" || source === "blueprints") await pinFile(path, installation);
    const bytes = await readFile(path);
    set(pin, "digest", digestOf(bytes));
    const version = /\.ya?ml$/.test(path) ? parseDocument(bytes.toString()).getIn(["metadata", "version"]) : undefined;
    if (typeof version === "string") set(pin, "version", version);
  }
  if (edits.size === 0) return false;
  await writeFile(`${file}.tmp`, edited(text, edits));
  await rename(`${file}.tmp`, file);
  return true;
}

interface PinAt {
  readonly pin: YAMLMap;
  /** The field of `pins` that it stands in, or `component` in a manifest. */
  readonly source: string;
  readonly path: string;
}

function* pinsOf(spec: unknown, folder: string, installation: string): Generator<PinAt> {
  if (!isMap(spec)) return;
  const component = spec.get("component");
  if (isMap(component))
    yield { pin: component, source: "component", path: join(folder, String(component.get("file"))) };
  const pins = spec.get("pins");
  if (!isMap(pins)) return;
  for (const { key, value } of pins.items) {
    for (const pin of isSeq(value) ? value.items : [value]) {
      if (!isMap(pin)) continue;
      const source = String(pin.get("source"));
      const path = source.startsWith("builtin:") ? join(installation, source.slice(8)) : join(folder, source);
      yield { pin, source: isScalar(key) ? String(key.value) : "", path };
    }
  }
}

function edited(text: string, edits: ReadonlyMap<readonly [number, number], string>): string {
  const inOrder = [...edits].toSorted(([a], [b]) => b[0] - a[0]);
  return inOrder.reduce((result, [[start, end], value]) => result.slice(0, start) + value + result.slice(end), text);
}

if (import.meta.main) {
  const installation = resolve(import.meta.dirname, "..");
  for (const file of process.argv.slice(2)) {
    const changed = await pinFile(resolve(file), installation);
    console.log(`${file}: ${changed ? "pins written" : "pins hold"}`);
  }
}
