import { type Dirent, promises as fs } from "node:fs";
import { join } from "node:path";

/** How deep below a folder blueprints are looked for. */
const MAX_DEPTH = 8;
const NAME = /^(?:.+\.)?blueprint\.ya?ml$/;

/**
 * Paths of the blueprint files below a folder, in order: `blueprint.yaml` and `*.blueprint.yaml`. Links, hidden folders
 * and `node_modules` are passed over, as are folders that may not be read. A folder that does not exist holds none.
 */
export async function findBlueprints(folder: string, depth = 0): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await entriesOf(folder)) {
    const path = join(folder, entry.name);
    if (entry.isFile() && NAME.test(entry.name)) found.push(path);
    const isOpen = entry.isDirectory() && !entry.name.startsWith(".") && entry.name !== "node_modules";
    if (isOpen && depth < MAX_DEPTH) found.push(...(await findBlueprints(path, depth + 1)));
  }
  return found;
}

async function entriesOf(folder: string): Promise<Dirent[]> {
  try {
    const entries = await fs.readdir(folder, { withFileTypes: true });
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    if (["ENOENT", "ENOTDIR", "EACCES"].includes((error as NodeJS.ErrnoException).code ?? "")) return [];
    throw error;
  }
}
