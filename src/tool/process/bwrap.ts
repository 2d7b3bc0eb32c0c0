import { join } from "node:path";
import type { ProcessLimits } from "./limits.ts";
import type { View } from "./view.ts";

/** Where a confined process finds the workspace, its temporary folder, and what it executes. */
export const WORKSPACE = "/workspace";
export const TEMPORARY = "/tmp";
export const IMAGES = "/run/pinion";
/** Where it finds secrets that it is handed as files. */
export const SECRETS = "/run/secrets";
const SECRETS_BYTES = 4 * 1024 ** 2;

/** What programs need of the system. Nothing of /home, /root, /var, /srv or /mnt, and no secrets of /etc. */
const SYSTEM = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"];
const SETTINGS = [
  "alternatives",
  "ca-certificates",
  "group",
  "ld.so.cache",
  "ld.so.conf",
  "ld.so.conf.d",
  "localtime",
  "mime.types",
  "nsswitch.conf",
  "passwd",
  "ssl/certs",
].map((name) => `/etc/${name}`);
/** What it takes to find names in the network. */
const RESOLVER = ["gai.conf", "host.conf", "hosts", "protocols", "resolv.conf", "services"].map(
  (name) => `/etc/${name}`,
);

/** Processes of bwrap itself: the one that waits outside, and the first one inside. */
export const CONFINERS = 2;

export interface Confinement {
  /** Where the files of the run are on the host, and where the workspace itself is, which need not be the same. */
  readonly host: string;
  readonly workspace: string;
  readonly view: View;
  /** The working directory, relative to the workspace. */
  readonly cwd: string;
  /** Further host paths that may be read and executed. */
  readonly readable: readonly string[];
  /** Links to descriptors, by their path inside. */
  readonly links: readonly { readonly path: string; readonly descriptor: number }[];
  readonly limits: ProcessLimits;
  readonly network: "none" | "host";
  /** A descriptor from which the filter of system calls is read. */
  readonly filter: number | undefined;
  /** Whether there is to be a place for secrets in files, in memory. */
  readonly secrets: boolean;
  /** A descriptor that is closed when the last process is gone, and one for bwrap's own report. */
  readonly lifeline: number;
  readonly report: number;
}

/** Where a confined process finds a path of the workspace. */
export function inside(path: string): string {
  return path === "." ? WORKSPACE : join(WORKSPACE, path);
}

/** The arguments of `bwrap` up to `--` (bwrap(1)). */
export function confine(confinement: Confinement): readonly string[] {
  const { host, view, cwd, links, limits, network, filter, secrets, lifeline, report } = confinement;
  const outside = (path: string): string => (path === "." ? host : join(host, path));
  return [
    ...["--unshare-all", ...(network === "host" ? ["--share-net"] : []), "--die-with-parent", "--new-session"],
    ...["--cap-drop", "ALL", "--hostname", "pinion"],
    ...(filter === undefined ? [] : ["--seccomp", String(filter)]),
    ...["--sync-fd", String(lifeline), "--json-status-fd", String(report)],
    ...["--proc", "/proc", "--dev", "/dev", "--size", "1048576", "--tmpfs", "/dev/shm", "--remount-ro", "/dev"],
    ...["--size", String(limits.temporaryBytes), "--tmpfs", TEMPORARY],
    ...(secrets ? ["--perms", "0700", "--size", String(SECRETS_BYTES), "--tmpfs", SECRETS] : []),
    ...showSystem(confinement),
    ...["--dir", WORKSPACE],
    ...view.readable.flatMap(({ path }) => ["--ro-bind", outside(path), inside(path)]),
    ...view.writable.flatMap((path) => ["--bind", outside(path), inside(path)]),
    ...view.held.flatMap((path) => ["--bind", outside(path), inside(path)]),
    ...view.covered.flatMap(({ path, directory }) =>
      directory ? ["--tmpfs", inside(path), "--remount-ro", inside(path)] : ["--ro-bind", "/dev/null", inside(path)],
    ),
    ...links.flatMap(({ path, descriptor }) => ["--symlink", `/proc/self/fd/${descriptor}`, path]),
    ...["--remount-ro", "/", "--chdir", inside(cwd)],
  ];
}

/** What is shown of the host must not show the workspace once more, past its rules. */
function showSystem({ host, workspace, readable, network }: Confinement): readonly string[] {
  const shown = [...SYSTEM, ...SETTINGS, ...(network === "host" ? RESOLVER : []), ...readable];
  const files = [...new Set([host, workspace])];
  const within = shown.filter((path) => files.some((folder) => isBelow(path, folder)));
  const around = shown.filter((path) => !within.includes(path));
  const twice = files.filter((folder) => around.some((path) => isBelow(folder, path)));
  return [
    ...around.flatMap((path) => ["--ro-bind-try", path, path]),
    ...twice.flatMap((folder) => ["--tmpfs", folder]),
    ...within.flatMap((path) => ["--ro-bind-try", path, path]),
    ...twice.flatMap((folder) => ["--remount-ro", folder]),
  ];
}

function isBelow(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}
