import { execFile } from "node:child_process";
import { WorldError } from "../../model/errors.ts";
import { closeAfter } from "./namespaces.ts";

/** How processes are confined. */
export type BackendName = "bwrap" | "unconfined";

export type Backend =
  | { readonly name: "bwrap"; readonly program: string }
  | {
      readonly name: "unconfined";
      /** To be shown wherever a run begins, and given with every result. */
      readonly notice: string;
    };

/** Whether bubblewrap works here; if not, why. */
export type Probe = { readonly program: string } | { readonly absent: string };

/** Where Debian and others put it. Not looked up on a PATH that somebody could set. */
const PROGRAM = "/usr/bin/bwrap";
export const PROBE = [
  "--unshare-all",
  "--die-with-parent",
  "--ro-bind",
  "/",
  "/",
  "--proc",
  "/proc",
  "--",
  "/bin/sh",
  "-c",
  ":",
];

/** Tries bubblewrap once, with the name spaces that a run needs. Never throws. */
export function probeBwrap(program: string = PROGRAM): Promise<Probe> {
  return new Promise((resolve) => {
    const child = execFile(program, PROBE, { env: {}, timeout: 10_000 }, (error, _stdout, stderr) => {
      if (error === null) return resolve({ program });
      if ("code" in error && error.code === "ENOENT") return resolve({ absent: `\`${program}\` is not installed` });
      resolve({ absent: `\`${program}\` is not permitted: ${stderr.trim().split("\n")[0] || error.message}` });
    });
    closeAfter(child);
  });
}

/**
 * The first of the preferences that this machine has. `unconfined` serves only where it is listed.
 * Throws `WorldError` when none can be had.
 */
export function chooseBackend(preferences: readonly BackendName[], probe: Probe): Backend {
  const reasons: string[] = [];
  for (const name of preferences) {
    if (name === "unconfined") return { name, notice: unconfinedNotice(reasons) };
    if ("program" in probe) return { name, program: probe.program };
    reasons.push(`${name}: ${probe.absent}`);
  }
  throw new WorldError({
    code: "no-backend",
    message: `processes cannot be confined as the blueprint wants: ${reasons.join("; ") || "it lists no backend"}`,
    hint: "install bubblewrap (Debian: `apt-get install bubblewrap`), or list `unconfined` as the second choice in `execution.backend`",
  });
}

function unconfinedNotice(reasons: readonly string[]): string {
  const why = reasons.length === 0 ? "" : ` (${reasons.join("; ")})`;
  return `UNCONFINED: processes of this run may read and write whatever you may, denied paths included${why}`;
}
