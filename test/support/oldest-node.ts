import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const VERSION = "24.21.0";

/**
 * The path of the oldest Node that Pinion supports, beside the one that runs the tests. It comes from npm's package for this
 * platform, once, into the temporary folder: as a dependency it would take the place of the newer one in `node_modules/.bin`.
 */
export async function oldestNode(): Promise<string> {
  const name = `node-${process.platform}-${process.arch}`;
  const folder = join(tmpdir(), `pinion-${name}-${VERSION}`);
  const path = join(folder, "node_modules", name, "bin/node");
  if (!existsSync(path)) {
    await mkdir(folder, { recursive: true });
    const options = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock"];
    await promisify(execFile)("npm", ["install", "--prefix", folder, ...options, `${name}@${VERSION}`], {
      cwd: folder,
    });
  }
  return path;
}
