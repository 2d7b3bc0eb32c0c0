import { execFileSync } from "node:child_process";
import { chmodSync, linkSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Given } from "./trial.ts";

/** Puts what is given into a folder; further names of a file are made in `outside`. */
export function putInto(folder: string, outside: string, files: Readonly<Record<string, Given>>): void {
  for (const [path, given] of Object.entries(files)) {
    const full = join(folder, path);
    mkdirSync(dirname(full), { recursive: true });
    if (given.kind === "directory") mkdirSync(full, { recursive: true });
    else if (given.kind === "link") symlinkSync(given.target, full);
    else if (given.kind === "fifo") execFileSync("mkfifo", [full]);
    else {
      writeFileSync(full, given.text);
      if (given.executable === true) chmodSync(full, 0o755);
      for (let name = 0; name < (given.otherNames ?? 0); name++) linkSync(full, join(outside, String(name)));
    }
  }
}
