import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import type { ResolvedBlueprint } from "../blueprint/resolve.ts";
import type { Confinement } from "../capability/confinement.ts";
import { NO_GRANTS } from "../capability/layer.ts";
import { type Authority, effectivePermission } from "../capability/permission.ts";
import { BugError, DeniedError } from "../model/errors.ts";
import type { Taxon } from "../model/phase.ts";
import { type ToolBox, ToolError } from "../model/tool.ts";
import { agentSpawn } from "../tool/agent-spawn.ts";
import { fileList } from "../tool/files/list.ts";
import { fileMove } from "../tool/files/move.ts";
import { fileRead } from "../tool/files/read.ts";
import { fileRemove } from "../tool/files/remove.ts";
import { fileSearch } from "../tool/files/search.ts";
import { fileWrite } from "../tool/files/write.ts";
import { hookPropose } from "../tool/hook-propose.ts";
import { httpFetch } from "../tool/http/fetch.ts";
import type { Child, ProcessTree, Proposer, Secrets, Skill, Spawner, Workspace } from "../tool/ports.ts";
import type { ProcessHost } from "../tool/process/command.ts";
import { FIXED_LIMITS, PROCESS_LIMITS } from "../tool/process/limits.ts";
import { openMeans } from "../tool/process/means.ts";
import { processRun } from "../tool/process/run.ts";
import { directTree } from "../tool/process/tree/direct.ts";
import { type LayeredTree, openLayeredTree } from "../tool/process/tree/open.ts";
import { removeTree } from "../tool/process/tree/scratch.ts";
import type { ToolRegistry } from "../tool/registry.ts";
import { NO_SECRETS } from "../tool/secrets/none.ts";
import { skillRead } from "../tool/skill-read.ts";
import type { Tool } from "../tool/tool.ts";
import { toolBoxOf } from "../tool/toolbox.ts";
import { openHostDirectory } from "../vfs/host.ts";
import type { Overlay } from "../vfs/overlay/overlay.ts";
import { parsePath } from "../vfs/path.ts";

/** The world of a run's tools; a replay has none. */
export interface ToolWorld {
  readonly workspace: Workspace;
  readonly spawner: Spawner;
  readonly proposer: Proposer;
  readonly processes: Processes;
  readonly secrets: Secrets;
  /** ms since the epoch. */
  now(): number;
}

/** Where and how processes run. Close it with the run. */
export interface Processes extends Omit<ProcessHost, "workspace" | "authority" | "mask"> {
  close(): void;
}

const SYSTEM_PATH = ["/usr/local/bin", "/usr/bin", "/bin", "/usr/local/sbin", "/usr/sbin", "/sbin"];

/** The tools of a run: what the registry describes, within the effective permission. */
export function toolsOf(
  resolved: ResolvedBlueprint,
  options: {
    readonly authority: Authority;
    /** What looking and doing are bound by; `authority` unless given. */
    readonly acting?: Authority;
    readonly depth: number;
    readonly world: ToolWorld;
  },
): ToolBox {
  const { authority, acting = authority } = options;
  const judging = boxOf(resolved, { ...options, authority });
  if (acting === authority) return judging;
  const { resolve, perform } = boxOf(resolved, { ...options, authority: acting });
  return {
    get tools() {
      return judging.tools;
    },
    get: judging.get,
    invalidArguments: judging.invalidArguments,
    permit: judging.permit,
    needs: judging.needs,
    resolve,
    perform,
  };
}

function boxOf(
  resolved: ResolvedBlueprint,
  options: { readonly authority: Authority; readonly depth: number; readonly world: ToolWorld },
): ToolBox {
  const { authority } = options;
  const children = Object.entries(resolved.children).map(([name, child]) => ({
    name,
    version: child.agent.version,
    blueprint: child.agent.blueprint,
  }));
  const skills = resolved.skills.map(({ name, version, digest, text }) => ({
    name,
    version,
    digest,
    read: () => Promise.resolve(Buffer.from(text)),
  }));
  const { secrets } = options.world;
  const listed = (name: string, tool: string): boolean => resolved.secrets[name]?.tools.includes(tool) === true;
  const kinds = kindsOf({ ...options, children, skills });
  return toolBoxOf(resolved.registry as unknown as ToolRegistry, kinds, authority, { secrets, listed });
}

interface Kinds {
  readonly authority: Authority;
  readonly depth: number;
  readonly world: ToolWorld;
  readonly children: readonly Child[];
  readonly skills: readonly Skill[];
}

/** All tools that there are. */
function kindsOf({ authority, depth, world, children, skills }: Kinds): readonly Tool[] {
  const { workspace, spawner, proposer, processes, secrets, now } = world;
  const { mask } = secrets;
  return [
    fileList(workspace, authority),
    fileRead(workspace, authority, mask),
    fileSearch(workspace, authority, mask),
    fileWrite(workspace, authority),
    fileRemove(workspace, authority),
    fileMove(workspace, authority),
    processRun({ workspace, authority, mask, ...processes }, now),
    httpFetch({ authority, mask }),
    skillRead(skills),
    agentSpawn({ children, depth, spawner, authority }),
    hookPropose(proposer),
  ];
}

/** What may be said of the tools that there are, whoever registers them. */
export function knownTools(): readonly { readonly name: string; readonly taxon: Taxon; readonly readOnly: boolean }[] {
  const authority = effectivePermission([{ name: "nothing", ...NO_GRANTS }]);
  return kindsOf({ authority, depth: 0, world: noWorld(), children: [], skills: [] }).map(
    ({ name, taxon, readOnly }) => ({ name, taxon, readOnly }),
  );
}

export interface ProcessOptions {
  readonly authority: Authority;
  readonly confinement: Confinement;
  /** The workspace itself, or the merged tree. */
  readonly workspace: Workspace;
  /** The layer of the run, and a folder of the run alone on a disk that holds what processes change until it is kept. */
  readonly layer: { readonly overlay: Overlay; readonly folder: string } | undefined;
  /** A folder of the run alone for what its processes need while they run; what a crash left there is removed. */
  readonly temporary: string;
  /** Makes a private folder, in memory if possible, for secrets in files of processes that are not confined. */
  readonly secrets: () => string;
  readonly onNotice: (text: string) => void;
}

/**
 * Chooses how processes are confined and how they see the files of the run, by what the blueprints prefer and by what this
 * machine has, where it allows processes at all. Commands are looked up on a fixed path, with the Node that runs Pinion first.
 * Throws `WorldError` when no listed backend can be had, and `DeniedError` when the policies leave none of them.
 */
export async function openProcesses(resolved: ResolvedBlueprint, options: ProcessOptions): Promise<Processes> {
  const { authority, confinement, workspace, layer, temporary, secrets, onNotice } = options;
  if (!resolved.tools.allow.includes("process.run")) return nobody(directTree(workspace));
  if (confinement.backend.length === 0) throw noBackendLeft(resolved);
  removeTree(temporary);
  await mkdir(temporary, { recursive: true, mode: 0o700 });
  const means = await openMeans({ preferences: confinement.backend, network: authority.processNetwork, temporary });
  const tree = layer === undefined ? undefined : await openTree(layer, means.trial);
  const notes = [...means.notes, ...(tree === undefined ? [] : shortfalls(tree, means.backend.name))];
  for (const note of notes) onNotice(note);
  return {
    ...means,
    notes,
    tree: tree ?? directTree(workspace),
    path: commandPath(),
    readable: [dirname(process.execPath)],
    temporary,
    secrets,
    limits: { ...confinement.limits, ...FIXED_LIMITS },
    close() {
      means.close();
      tree?.close();
      removeTree(temporary);
    },
  };
}

function noBackendLeft({ execution, agent }: ResolvedBlueprint): DeniedError {
  const listed = execution.backend.map((name) => `\`${name}\``).join(", ");
  return new DeniedError({
    code: "no-backend-left",
    message: `\`${agent.name}\` confines processes by ${listed}, and the policies around it leave none of that`,
    hint: "`pinion policy show` says what each of them has under `process.backends`",
  });
}

function openTree(
  { overlay, folder }: NonNullable<ProcessOptions["layer"]>,
  trial: readonly string[],
): Promise<LayeredTree> {
  return openLayeredTree({
    files: overlay,
    folder,
    accepts: isSpelled,
    openDirectory: (path) => openHostDirectory(path, { actions: ["read"] }),
    trial,
  });
}

function isSpelled(path: string): boolean {
  try {
    return parsePath(path).length > 0;
  } catch (error) {
    if (error instanceof ToolError) return false;
    throw error;
  }
}

/** What processes are shown is theirs to change under its own name only where the system mounts it there. */
function shortfalls({ probe }: LayeredTree, backend: ProcessHost["backend"]["name"]): readonly string[] {
  if (probe.kind !== "overlay-copy" || backend === "bwrap") return [];
  return [
    `processes work in a copy of the workspace; under its absolute path they find the workspace itself, and what they change there is changed (${probe.why})`,
  ];
}

/** For runs that start no processes. */
function nobody(tree: ProcessTree): Processes {
  return {
    backend: { name: "unconfined", notice: "no process is allowed" },
    filter: undefined,
    seal: (command) => command,
    network: { reach: "none", notes: [], wrap: (command) => command },
    groups: undefined,
    notes: [],
    tree,
    path: [],
    readable: [],
    temporary: "",
    secrets: () => "",
    limits: PROCESS_LIMITS,
    close: () => undefined,
  };
}

/** What tools are given to say what a call names in a workspace: nothing is changed, started or sent. */
export function lookingAt(workspace: Workspace, now: () => number): ToolWorld {
  return { ...noWorld(), workspace, processes: { ...nobody(directTree(workspace)), path: commandPath() }, now };
}

/** Where commands are looked up: beside the Node that runs Pinion first. */
function commandPath(): readonly string[] {
  const node = dirname(process.execPath);
  return [node, ...SYSTEM_PATH.filter((folder) => folder !== node)];
}

/** What tools are given on a replay. INVARIANT: a replay answers from the record, so nothing of this is ever called. */
export function noWorld(): ToolWorld {
  const unreachable = (): never => {
    throw new BugError({ code: "replay-reached-out", message: "a replay reached for the world" });
  };
  return {
    workspace: {
      hostPath: unreachable,
      descriptor: unreachable,
      openDirectory: unreachable,
      openFile: unreachable,
      list: unreachable,
      stat: unreachable,
      link: unreachable,
      write: unreachable,
      createDirectory: unreachable,
      remove: unreachable,
      rename: unreachable,
      close: () => undefined,
    },
    spawner: { spawn: unreachable },
    proposer: { propose: unreachable },
    processes: nobody({ kind: "direct", open: unreachable }),
    secrets: NO_SECRETS,
    now: unreachable,
  };
}
