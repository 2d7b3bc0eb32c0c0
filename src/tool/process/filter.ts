import { spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { closeAfter, PREPARING, SHELL } from "./namespaces.ts";
import { isFiltered, seccompFilter } from "./seccomp.ts";

/** The filter of system calls where bwrap can read it. Close it with the run. */
export interface Filter {
  /** A descriptor from which the whole filter can be read once; the caller closes it. */
  open(): number;
  close(): void;
}

/** Whether system calls can be filtered here; if not, why. */
export type FilterProbe = { readonly filter: Filter } | { readonly absent: string };

const UNHEEDED = 77;

/** Makes the filter and tries it once. `folder`: an existing folder for a file that is gone again at once. */
export async function openFilter(program: string, folder: string): Promise<FilterProbe> {
  if (!isFiltered(process.arch)) return { absent: `there is no filter for the architecture ${process.arch}` };
  const filter = keep(seccompFilter(process.arch), folder);
  const failure = await tryFilter(program, filter);
  if (failure === undefined) return { filter };
  filter.close();
  return { absent: failure };
}

function keep(bytes: Uint8Array, folder: string): Filter {
  const place = mkdtempSync(join(folder, "pinion-filter-"));
  try {
    writeFileSync(join(place, "filter"), bytes);
    const fd = openSync(join(place, "filter"), "r");
    // A descriptor of its own each time: those that share one share the place up to which it was read.
    return { open: () => openSync(`/proc/self/fd/${fd}`, "r"), close: () => closeSync(fd) };
  } finally {
    rmSync(place, { recursive: true });
  }
}

/** Undefined when a program starts behind the filter and is denied what the filter denies. */
function tryFilter(program: string, filter: Filter): Promise<string | undefined> {
  const words = ["--unshare-all", "--die-with-parent", "--ro-bind", "/", "/", "--seccomp", "3", "--"];
  const fd = filter.open();
  return new Promise((resolve) => {
    const child = spawn(program, [...words, SHELL, "-c", `unshare --user true && exit ${UNHEEDED}; exit 0`], {
      env: PREPARING,
      stdio: ["ignore", "ignore", "pipe", fd],
      timeout: 10_000,
    });
    closeAfter(child);
    let said = "";
    child.stderr?.on("data", (chunk: Buffer) => {
      said += chunk.toString();
    });
    child.once("error", (error) => resolve(error.message));
    child.once("close", (code) => {
      if (code === UNHEEDED) resolve("what it denies is not denied");
      else resolve(code === 0 ? undefined : said.trim() || `exit code ${code}`);
    });
    closeSync(fd);
  });
}
