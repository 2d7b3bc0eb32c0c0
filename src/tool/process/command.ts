import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { basename, join } from "node:path";
import type { Authority, Workspace } from "../ports.ts";
import type { Backend } from "./backend.ts";
import { confine, IMAGES, TEMPORARY, WORKSPACE } from "./bwrap.ts";
import type { Executable } from "./executable.ts";
import { countTasks, killFamily } from "./family.ts";
import type { Launch } from "./launch.ts";
import { launcher, type ProcessLimits } from "./limits.ts";
import { isVisible, viewOf } from "./view.ts";

/** What the launcher says when the working directory is not the one that was resolved. */
export const MOVED = "pinion: the working directory is not the one that was resolved";

/** Everything that a process run needs beside the call. Host paths, passed in by whoever joins the rooms. */
export interface ProcessHost {
  readonly workspace: Workspace;
  readonly authority: Authority;
  readonly backend: Backend;
  /** Folders in which commands are looked up, in order; the command sees them as its PATH. */
  readonly path: readonly string[];
  /** Further host paths that a confined process may read, beside the system's programs and `path`. */
  readonly readable: readonly string[];
  /** A folder for private temporary folders. */
  readonly temporary: string;
  readonly limits: ProcessLimits;
}

export interface Command {
  readonly executable: Executable;
  readonly argv: readonly string[];
  /** Relative to the workspace, and the directory itself, open. */
  readonly cwd: { readonly path: string; readonly directory: Workspace; readonly identity: string };
  readonly stdin: string;
  readonly timeoutMs: number;
}

export interface Ready extends Launch {
  /** How limits and confinement fall short of what was asked for. */
  readonly notes: readonly string[];
  /** Removes what was made for the run; what could not be removed is said. Never throws. */
  dispose(): readonly string[];
}

/** Where the descriptors are in the child: the image that is executed, then the script. */
const FIRST = 3;

/** Turns a command into what is started for it. `dispose` the result. */
export function ready(command: Command, host: ProcessHost): Ready {
  return host.backend.name === "bwrap"
    ? confined(command, host, host.backend)
    : unconfined(command, host, host.backend);
}

function confined(command: Command, host: ProcessHost, { program }: { readonly program: string }): Ready {
  const { executable, cwd } = command;
  const view = viewOf(host.workspace, host.authority);
  const { links, words, descriptors } = imagesAt(IMAGES, executable);
  const images = [executable.image, ...(executable.script === undefined ? [] : [executable.script.image])];
  const lifeline = FIRST + descriptors.length;
  const sandbox = confine({
    host: host.workspace.hostPath(),
    view,
    cwd: cwd.path,
    readable: [...host.path, ...host.readable, ...images.map(({ path }) => path)],
    links,
    limits: host.limits,
    lifeline,
    report: lifeline + 1,
  });
  // A directory that only leads to what may be read is made by bwrap, and is not the one on the host.
  const identity = isVisible(cwd.path, view.readable) ? cwd.identity : "any";
  return {
    ...common(command, host.limits),
    program,
    arguments: [
      ...sandbox,
      "--",
      ...shell(host, { identity, home: TEMPORARY, words: [...words, ...command.argv.slice(1)] }),
    ],
    cwd: "/",
    descriptors,
    pipes: 2,
    notes: [],
    // The kernel kills a PID namespace with its first process, and bwrap dies with its parent.
    stop: () => Promise.resolve(),
    dispose: () => [],
  };
}

function unconfined(command: Command, host: ProcessHost, { notice }: { readonly notice: string }): Ready {
  const home = mkdtempSync(join(host.temporary, "pinion-run-"));
  const { links, words, descriptors } = imagesAt(join(home, ".images"), command.executable);
  for (const { path, descriptor } of links) {
    mkdirSync(join(path, ".."), { recursive: true });
    symlinkSync(`/proc/self/fd/${descriptor}`, path);
  }
  const [program = "", ...rest] = shell(host, { identity: "any", home, words: [...words, ...command.argv.slice(1)] });
  return {
    ...common(command, host.limits),
    program,
    arguments: rest,
    cwd: `/proc/${process.pid}/fd/${command.cwd.directory.descriptor()}`,
    descriptors,
    pipes: 0,
    notes: [notice],
    async stop(pid) {
      await killFamily(pid, home);
    },
    dispose: () => removed(home),
  };
}

function removed(folder: string): readonly string[] {
  try {
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
    return [];
  } catch {
    return [`the private folder of the command could not be removed: \`${basename(folder)}\``];
  }
}

function common(
  { stdin, timeoutMs }: Command,
  limits: ProcessLimits,
): Pick<Launch, "stdin" | "limits" | "environment"> {
  // Only the launcher sees this environment; it starts the command with one of its own.
  return { stdin, limits: { ...limits, timeoutMs }, environment: { PATH: "/usr/bin:/bin" } };
}

function shell(
  { path, limits, backend }: ProcessHost,
  { identity, home, words }: { readonly identity: string; readonly home: string; readonly words: readonly string[] },
): readonly string[] {
  // Without a user name space of its own, everything that the user runs counts; the whole machine is an upper bound of it.
  const tasks = limits.processes + (backend.name === "bwrap" ? 0 : countTasks());
  const environment = [`PATH=${path.join(":")}`, "LANG=C.UTF-8", `HOME=${home}`, `TMPDIR=${home}`];
  return ["/bin/sh", "-c", launcher(limits, tasks), "pinion", identity, MOVED, ...environment, ...words];
}

/**
 * Names for the open images, so that the program finds itself under the name by which it was called, as multi-call programs
 * want, while what is executed is the descriptor.
 */
function imagesAt(folder: string, { name, image, script }: Executable) {
  if (script === undefined) {
    const path = join(folder, "0", name);
    return { links: [{ path, descriptor: FIRST }], words: [path], descriptors: [image.fd] };
  }
  const interpreter = join(folder, "0", script.interpreter.slice(script.interpreter.lastIndexOf("/") + 1));
  const path = join(folder, "1", name);
  return {
    links: [
      { path: interpreter, descriptor: FIRST },
      { path, descriptor: FIRST + 1 },
    ],
    words: [interpreter, ...script.arguments, path],
    descriptors: [image.fd, script.image.fd],
  };
}

/** What a confined process calls the workspace, for messages that name it by its host path. */
export function withoutHost(text: string, host: string): string {
  return text.replaceAll(host, WORKSPACE);
}
