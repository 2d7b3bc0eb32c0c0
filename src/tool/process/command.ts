import { closeSync, mkdirSync, mkdtempSync, symlinkSync } from "node:fs";
import { basename, join } from "node:path";
import { ToolError } from "../../model/tool.ts";
import type { Authority, Mask, OpenTree, ProcessTree, Workspace } from "../ports.ts";
import type { Handed } from "../secrets/uses.ts";
import type { Backend } from "./backend.ts";
import { CONFINERS, confine, IMAGES, inside, TEMPORARY, WORKSPACE } from "./bwrap.ts";
import { type Group, openGroup } from "./cgroup.ts";
import type { Executable } from "./executable.ts";
import { countTasks } from "./family.ts";
import type { Filter } from "./filter.ts";
import { type Handing, handedTo, handingOf } from "./handing.ts";
import type { Launch } from "./launch.ts";
import { launcher, type ProcessLimits, type Reopened, taskLimit } from "./limits.ts";
import { type Command as CommandLine, PREPARING, SHELL } from "./namespaces.ts";
import type { Network } from "./network.ts";
import type { Seal } from "./seal.ts";
import { removeTree } from "./tree/scratch.ts";
import { isVisible, type View, viewOf } from "./view.ts";

/** What the launcher says when the working directory is not the one that was resolved. */
export const MOVED = "pinion: the working directory is not the one that was resolved";

/** Everything that a process run needs beside the call. Host paths, passed in by whoever joins the rooms. */
export interface ProcessHost {
  /** The files of the run as its tools see them. */
  readonly workspace: Workspace;
  /** The same as its processes see them. */
  readonly tree: ProcessTree;
  readonly authority: Authority;
  readonly backend: Backend;
  /** The filter of system calls, where `bwrap` can have one. */
  readonly filter: Filter | undefined;
  /** Keeps bwrap out of the reach of what it confines. */
  readonly seal: Seal;
  readonly network: Network;
  /** Where control groups can be made that limit tasks. */
  readonly groups: string | undefined;
  /** Folders in which commands are looked up, in order; the command sees them as its PATH. */
  readonly path: readonly string[];
  /** Further host paths that a confined process may read, beside the system's programs and `path`. */
  readonly readable: readonly string[];
  /** A folder for private temporary folders. */
  readonly temporary: string;
  /** Makes a folder for secrets in files of commands that are not confined: private, and in memory where the system has such a place. */
  readonly secrets: () => string;
  readonly mask: Mask;
  readonly limits: ProcessLimits;
  /** How confinement falls short of what was asked for; given with every result. */
  readonly notes: readonly string[];
}

export interface Command {
  readonly executable: Executable;
  readonly argv: readonly string[];
  /** Relative to the workspace, and the directory itself, open. */
  readonly cwd: { readonly path: string; readonly directory: Workspace; readonly identity: string };
  readonly stdin: string;
  readonly handed: readonly Handed[];
  readonly timeoutMs: number;
}

export interface Ready extends Launch {
  /** Removes what was made for the run; what could not be removed is said. Never throws. */
  dispose(): readonly string[];
}

/** A variable of whatever confines a command; the command itself has an environment of its own. */
const MARK = "PINION_MARK";
let marks = 0;

/** Where the descriptors are in the child: the image that is executed, the script, the filter. */
const FIRST = 3;

/** Turns a command into what is started for it in the tree. `dispose` the result before the tree is closed. */
export function ready(command: Command, host: ProcessHost, tree: OpenTree): Ready {
  const group = host.groups === undefined ? undefined : groupFor(host.limits, host.groups);
  try {
    const place = placeOf(command, host, tree);
    const handing = handingOf(command.handed, { backend: host.backend.name, folder: host.secrets });
    return host.backend.name === "bwrap"
      ? confined({ command, host, tree, place, group, handing }, host.backend)
      : unconfined({ command, host, tree, place, group, handing });
  } catch (error) {
    group?.close();
    throw error;
  }
}

function groupFor(limits: ProcessLimits, root: string): Group {
  try {
    return openGroup(root, taskLimit(limits) + CONFINERS);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown reason";
    throw new ToolError("not-started", `the system makes no control group for the process: ${code}`);
  }
}

interface Preparation {
  readonly command: Command;
  readonly host: ProcessHost;
  readonly tree: OpenTree;
  readonly place: Place;
  readonly group: Group | undefined;
  readonly handing: Handing;
}

/** Where a command starts: in a directory that is open, or in one that the merged tree shows once it is there. */
interface Place {
  readonly directory: Workspace | undefined;
  readonly identity: string;
  close(): void;
}

function placeOf({ cwd }: Command, { tree: { kind } }: ProcessHost, { directory }: OpenTree): Place {
  if (kind === "direct") return { ...cwd, close: () => undefined };
  if (directory === undefined) return { directory, identity: "any", close: () => undefined };
  const own = directory.openDirectory(cwd.path);
  return { directory: own, identity: own.stat(".").identity, close: () => own.close() };
}

function confined(
  { command, host, tree, place, group, handing }: Preparation,
  { program }: { readonly program: string },
): Ready {
  const { executable, cwd } = command;
  const view = shownIn(tree, host);
  const { links, words, descriptors } = imagesAt(IMAGES, executable);
  const images = [executable.image, ...(executable.script === undefined ? [] : [executable.script.image])];
  const filter = host.filter?.open();
  const lifeline = FIRST + descriptors.length + (filter === undefined ? 0 : 1);
  const sandbox = confine({
    host: tree.path,
    workspace: tree.workspace,
    view,
    cwd: cwd.path,
    readable: [...host.path, ...host.readable, ...images.map(({ path }) => path)],
    links,
    limits: host.limits,
    network: host.network.reach,
    filter: filter === undefined ? undefined : FIRST + descriptors.length,
    secrets: handing.files,
    lifeline,
    report: lifeline + 1,
  });
  // A directory that only leads to what may be read is made by bwrap, and is not the one on the host.
  const identity = isVisible(cwd.path, view.readable) ? place.identity : "any";
  const reopened = images.map(({ path, digest }, index) => ({ descriptor: FIRST + index, path, digest }));
  const inner = shell(host, {
    identity,
    home: TEMPORARY,
    expected: view.identities.map((shown) => ({ ...shown, path: inside(shown.path) })),
    reopened,
    words: handedWords(handing, lifeline + 2, [...words, ...command.argv.slice(1)]),
  });
  const marker = `${process.pid}.${marks++}.`;
  return {
    ...common(
      { command, host, tree, place, group, handing },
      tree.wrap(host.seal([program, ...sandbox, "--", ...inner])),
    ),
    cwd: "/",
    descriptors: filter === undefined ? descriptors : [...descriptors, filter],
    pipes: 2,
    // bwrap dies with its parent, but for a moment at its start: then it is found by what it was started with.
    environment: { ...PREPARING, [MARK]: marker },
    kinship: { marker: `${MARK}=${marker}`, confiners: CONFINERS, ...(group === undefined ? {} : { group }) },
    dispose() {
      if (filter !== undefined) closeSync(filter);
      return disposed(place, group);
    },
  };
}

/**
 * Mounts follow links, so that what is shown is looked at once more, from within. A mounted overlay shows directories of its
 * own, and lets none of the workspace be renamed.
 */
function shownIn(tree: OpenTree, { workspace, authority }: ProcessHost): View {
  if (tree.directory !== undefined) return viewOf(tree.directory, authority);
  return { ...viewOf(workspace, authority), held: [], identities: [] };
}

function unconfined({ command, host, tree, place, group, handing }: Preparation): Ready {
  const home = mkdtempSync(join(host.temporary, "pinion-run-"));
  const { links, words, descriptors } = imagesAt(join(home, ".images"), command.executable);
  for (const { path, descriptor } of links) {
    mkdirSync(join(path, ".."), { recursive: true });
    symlinkSync(`/proc/self/fd/${descriptor}`, path);
  }
  const { path } = command.cwd;
  const start = place.directory === undefined ? (path === "." ? tree.path : join(tree.path, path)) : "";
  const called = handedWords(handing, FIRST + descriptors.length, [...words, ...command.argv.slice(1)]);
  const inner = shell(host, { identity: "any", start, home, words: called });
  return {
    ...common({ command, host, tree, place, group, handing }, host.network.wrap(tree.wrap(inner))),
    cwd: place.directory === undefined ? "/" : `/proc/${process.pid}/fd/${place.directory.descriptor()}`,
    descriptors,
    pipes: 0,
    kinship: { marker: home, confiners: 0, ...(group === undefined ? {} : { group }) },
    dispose: () => [...disposed(place, group), ...removed(home), ...disposedOf(handing)],
  };
}

function handedWords({ script }: Handing, descriptor: number, words: readonly string[]): readonly string[] {
  return script === undefined ? words : handedTo(descriptor, words);
}

function disposedOf(handing: Handing): readonly string[] {
  try {
    handing.dispose();
    return [];
  } catch {
    return ["a file with a secret of the command could not be removed"];
  }
}

function disposed(place: Place, group: Group | undefined): readonly string[] {
  place.close();
  return group === undefined || group.close() ? [] : ["the control group of the command could not be removed"];
}

function removed(folder: string): readonly string[] {
  try {
    removeTree(folder);
    return [];
  } catch {
    return [`the private folder of the command could not be removed: \`${basename(folder)}\``];
  }
}

function common(
  { command: { stdin, timeoutMs }, host: { limits, mask }, tree, group, handing }: Preparation,
  line: CommandLine,
): Pick<Launch, "program" | "arguments" | "stdin" | "handed" | "mask" | "limits" | "environment" | "exceeded"> {
  const [program = "", ...rest] = group === undefined ? line : group.wrap(line);
  return {
    program,
    arguments: rest,
    stdin: handing.stdin ?? stdin,
    handed: handing.script,
    mask,
    limits: { ...limits, timeoutMs },
    environment: PREPARING,
    exceeded: () => tree.exceeded(),
  };
}

/** The whole environment of a command; `home` is the folder that it has to itself. */
export function environmentOf({ path }: Pick<ProcessHost, "path">, home: string): Readonly<Record<string, string>> {
  return { PATH: path.join(":"), LANG: "C.UTF-8", HOME: home, TMPDIR: home };
}

interface Start {
  readonly identity: string;
  /** A real path to go to first, or nothing. */
  readonly start?: string;
  readonly home: string;
  /** What is to be found at real paths, by `device:inode`. */
  readonly expected?: readonly { readonly path: string; readonly identity: string }[];
  /** Images that are to be reached through what confines the command, not past it. */
  readonly reopened?: readonly Reopened[];
  readonly words: readonly string[];
}

function shell({ path, limits, backend }: ProcessHost, at: Start): CommandLine {
  const { identity, start = "", home, expected = [], reopened = [], words } = at;
  // Without a user name space of its own, everything that the user runs counts; the whole machine is an upper bound of it.
  const others = backend.name === "bwrap" ? CONFINERS : countTasks();
  const environment = Object.entries(environmentOf({ path }, home)).map(([name, value]) => `${name}=${value}`);
  const script = launcher(limits, others, reopened);
  const paths = reopened.map((image) => image.path);
  const found = [...expected.flatMap((one) => [one.identity, one.path]), "--"];
  return [SHELL, "-c", script, "pinion", identity, start, MOVED, ...found, ...paths, ...environment, ...words];
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
