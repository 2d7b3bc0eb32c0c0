import { join } from "node:path";
import type { ProcessLimits } from "./limits.ts";
import type { View } from "./view.ts";

/** Where a confined process finds the workspace, its temporary folder, and what it executes. */
export const WORKSPACE = "/workspace";
export const TEMPORARY = "/tmp";
export const IMAGES = "/run/pinion";

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

export interface Confinement {
  /** Where the workspace is on the host. */
  readonly host: string;
  readonly view: View;
  /** The working directory, relative to the workspace. */
  readonly cwd: string;
  /** Further host paths that may be read and executed. */
  readonly readable: readonly string[];
  /** Links to descriptors, by their path inside. */
  readonly links: readonly { readonly path: string; readonly descriptor: number }[];
  readonly limits: ProcessLimits;
  /** A descriptor that is closed when the last process is gone, and one for bwrap's own report. */
  readonly lifeline: number;
  readonly report: number;
}

/** The arguments of `bwrap` up to `--` (bwrap(1)). */
export function confine({
  host,
  view,
  cwd,
  readable,
  links,
  limits,
  lifeline,
  report,
}: Confinement): readonly string[] {
  const inside = (path: string): string => (path === "." ? WORKSPACE : join(WORKSPACE, path));
  const outside = (path: string): string => (path === "." ? host : join(host, path));
  const shown = [...SYSTEM, ...SETTINGS, ...readable];
  // What is shown of the host must not show the workspace once more, past its rules.
  const within = shown.filter((path) => isBelow(path, host));
  const around = shown.filter((path) => !isBelow(path, host));
  const twice = around.some((path) => isBelow(host, path));
  return [
    ...["--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL", "--hostname", "pinion"],
    ...["--sync-fd", String(lifeline), "--json-status-fd", String(report)],
    ...["--proc", "/proc", "--dev", "/dev", "--size", "1048576", "--tmpfs", "/dev/shm", "--remount-ro", "/dev"],
    ...["--size", String(limits.temporaryBytes), "--tmpfs", TEMPORARY],
    ...around.flatMap((path) => ["--ro-bind-try", path, path]),
    ...(twice ? ["--tmpfs", host] : []),
    ...within.flatMap((path) => ["--ro-bind-try", path, path]),
    ...(twice ? ["--remount-ro", host] : []),
    ...["--dir", WORKSPACE],
    ...view.readable.flatMap(({ path }) => ["--ro-bind", outside(path), inside(path)]),
    ...view.writable.flatMap((path) => ["--bind", outside(path), inside(path)]),
    ...view.covered.flatMap(({ path, directory }) =>
      directory ? ["--tmpfs", inside(path), "--remount-ro", inside(path)] : ["--ro-bind", "/dev/null", inside(path)],
    ),
    ...links.flatMap(({ path, descriptor }) => ["--symlink", `/proc/self/fd/${descriptor}`, path]),
    ...["--remount-ro", "/", "--chdir", inside(cwd)],
  ];
}

function isBelow(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}
