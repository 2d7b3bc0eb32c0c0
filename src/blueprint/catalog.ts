import { mkdir } from "node:fs/promises";
import { dirname, sep } from "node:path";
import { digestOf } from "../model/canonical.ts";
import { InputError } from "../model/errors.ts";
import type { AgentBlueprint } from "../model/generated/blueprint.ts";
import { type Fault, InvalidFileError } from "./fault.ts";
import { findBlueprints } from "./find.ts";
import { openIndex, type Row } from "./index-file.ts";
import { parseBlueprint } from "./load.ts";
import { nearest } from "./nearest.ts";
import { readContained } from "./source.ts";
import { MAX_BYTES } from "./text.ts";

/** A blueprint file as the catalog knows it. Its pins were not looked at. */
export type CatalogEntry = ListedBlueprint | BrokenFile;

export interface ListedBlueprint {
  readonly kind: "blueprint";
  readonly path: string;
  readonly name: string;
  readonly version: string;
  readonly description: string;
  /** Digest of the canonical form. */
  readonly digest: string;
  readonly blueprint: AgentBlueprint;
}

export interface BrokenFile {
  readonly kind: "broken";
  readonly path: string;
  readonly faults: readonly Fault[];
}

/** An index of the blueprint files in some folders. It only saves time: the files are the truth, and it can be deleted at any time. */
export interface Catalog {
  /** Makes the index say what the files say now. Only files whose bytes changed are validated. All or nothing. */
  scan(): Promise<void>;
  /** What the last scan found, by any process: blueprints in the order of names, versions and paths, then broken files. */
  list(): readonly CatalogEntry[];
  /** The one blueprint with this name. Throws `InputError` when there is none or more than one. */
  show(name: string): ListedBlueprint;
  close(): void;
}

export interface CatalogOptions {
  /** Absolute. Made when it is missing; made anew when it is damaged or of another edition. */
  readonly file: string;
  /** Absolute folders. */
  readonly folders: readonly string[];
  /** What entries depend on besides the files: the version of Pinion. */
  readonly edition: string;
}

/** Opens a catalog. Throws `WorldError` when the file can neither be opened nor made. */
export async function openCatalog({ file, folders, edition }: CatalogOptions): Promise<Catalog> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const index = await openIndex(file, edition);
  const isOurs = ({ path }: { readonly path: string }): boolean =>
    folders.some((folder) => path.startsWith(folder.endsWith(sep) ? folder : folder + sep));
  const list = (): readonly CatalogEntry[] => index.rows().filter(isOurs).map(entryOf).sort(inOrder);
  return {
    async scan() {
      const known = new Map(index.rows().map((row) => [row.path, row]));
      const paths = new Set((await Promise.all(folders.map((folder) => findBlueprints(folder)))).flat());
      const found: Row[] = [];
      for (const path of paths) found.push(await readRow(path, known.get(path)));
      index.replace(isOurs, found);
    },
    list,
    show: (name) => oneNamed(name, list()),
    close: () => index.close(),
  };
}

async function readRow(path: string, known: Row | undefined): Promise<Row> {
  const read = await readContained({ root: dirname(path), parts: [path.slice(dirname(path).length + 1)] }, MAX_BYTES);
  if (read.kind !== "bytes") return rowOf(path, "", broken(path, [unreadable(path, read.reason)]));
  const bytes = digestOf(read.bytes);
  return known?.bytes === bytes ? known : rowOf(path, bytes, readEntry(path, read.bytes));
}

function readEntry(path: string, bytes: Uint8Array): CatalogEntry {
  try {
    const { blueprint, digest } = parseBlueprint(bytes, path);
    const { name, version, description = "" } = blueprint.metadata;
    return { kind: "blueprint", path, name, version, description, digest, blueprint };
  } catch (error) {
    if (error instanceof InvalidFileError) return broken(path, error.faults);
    throw error;
  }
}

function broken(path: string, faults: readonly Fault[]): BrokenFile {
  return { kind: "broken", path, faults };
}

function unreadable(file: string, message: string): Fault {
  return { file, line: 1, column: 1, pointer: "", message };
}

function rowOf(path: string, bytes: string, entry: CatalogEntry): Row {
  return { path, bytes, entry: JSON.stringify(entry) };
}

function entryOf(row: Row): CatalogEntry {
  return JSON.parse(row.entry) as CatalogEntry;
}

function inOrder(a: CatalogEntry, b: CatalogEntry): number {
  const keys = [a, b].map((entry) =>
    entry.kind === "blueprint" ? ["0", entry.name, entry.version, entry.path] : ["1", entry.path],
  );
  const [left, right] = keys.map((key) => key.join("\0"));
  return (left ?? "") < (right ?? "") ? -1 : 1;
}

function oneNamed(name: string, entries: readonly CatalogEntry[]): ListedBlueprint {
  const blueprints = entries.filter((entry) => entry.kind === "blueprint");
  const [found, ...others] = blueprints.filter((entry) => entry.name === name);
  if (found === undefined) {
    const near = nearest(
      name,
      blueprints.map((entry) => entry.name),
    );
    const help = near === undefined ? "" : `; did you mean \`${near}\`?`;
    throw new InputError({ code: "no-blueprint", message: `there is no blueprint named \`${name}\`${help}` });
  }
  if (others.length > 0) {
    const paths = [found, ...others].map(({ path, version }) => `\`${path}\` (${version})`).join(", ");
    const message = `several blueprints are named \`${name}\`: ${paths}; give the path of one of them`;
    throw new InputError({ code: "ambiguous-name", message });
  }
  return found;
}
