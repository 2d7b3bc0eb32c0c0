import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { enterable, Folder, isDenied, isTooMany } from "./folder.ts";

const PREFIX = "scratch-";
/** rm of coreutils. */
const REMOVE = "/bin/rm";

/** A private folder for what one process changes, below `folder`, which is made where it is missing. */
export function makeScratch(folder: string): string {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return mkdtempSync(join(folder, PREFIX));
}

/** Removes what a run that crashed left in `folder`. */
export function clearScratch(folder: string): void {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) if (name.startsWith(PREFIX)) removeTree(join(folder, name));
}

/** The time of the file system, in ns, as it stamps what changes now. */
export function stampNow(scratch: string): bigint {
  const file = join(scratch, "now");
  writeFileSync(file, "");
  const { ctimeNs } = lstatSync(file, { bigint: true });
  rmSync(file);
  return ctimeNs;
}

/** Removes a folder with all that processes left there, also directories that nobody may enter. */
export function removeTree(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch (error) {
    // Deeper than files can be open at once: this one goes down without keeping them open.
    if (!isDenied(error)) return void execFileSync(REMOVE, ["-rf", "--", path], { stdio: "ignore" });
    chmodSync(path, 0o700);
    using folder = Folder.open(path);
    makeEnterable(folder);
    rmSync(path, { recursive: true, force: true });
  }
}

function makeEnterable(folder: Folder): void {
  for (const name of folder.names()) {
    const stats = folder.look(name);
    if (!stats?.isDirectory()) continue;
    folder.permit(name, stats, 0o700n);
    using child = folder.child(name);
    makeEnterable(child);
  }
}

/** How many entries are looked at before other work is let through. */
const BREATH = 500;

/**
 * Adds up sizes and entries below a folder, and stops when they are more than allowed. What cannot be looked at counts once; what
 * is too deep to be looked at is more than allowed.
 */
export async function usesMoreThan(
  path: string,
  allowed: { readonly bytes: number; readonly files: number },
): Promise<boolean> {
  const used = { bytes: 0, files: 0 };
  using root = Folder.open(path);
  try {
    return await exceeds(root, allowed, used);
  } catch (error) {
    if (isTooMany(error)) return true;
    throw error;
  }
}

async function exceeds(
  folder: Folder,
  allowed: { readonly bytes: number; readonly files: number },
  used: { bytes: number; files: number },
): Promise<boolean> {
  for (const name of folder.names()) {
    const stats = folder.look(name);
    if (stats === undefined || stats.isCharacterDevice()) continue;
    used.files += 1;
    if (stats.isFile()) used.bytes += Number(stats.size);
    if (used.files > allowed.files || used.bytes > allowed.bytes) return true;
    if (used.files % BREATH === 0) await new Promise((resolve) => setImmediate(resolve));
    if (!stats.isDirectory()) continue;
    using child = enterable(folder, name);
    if (child !== undefined && (await exceeds(child, allowed, used))) return true;
  }
  return false;
}
