import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import type { ResolvedBlueprint } from "../blueprint/resolve.ts";
import type { Authority } from "../capability/permission.ts";
import { BugError } from "../model/errors.ts";
import type { ToolBox } from "../model/tool.ts";
import { agentSpawn } from "../tool/agent-spawn.ts";
import { fileList } from "../tool/files/list.ts";
import { fileMove } from "../tool/files/move.ts";
import { fileRead } from "../tool/files/read.ts";
import { fileRemove } from "../tool/files/remove.ts";
import { fileSearch } from "../tool/files/search.ts";
import { fileWrite } from "../tool/files/write.ts";
import { httpFetch } from "../tool/http/fetch.ts";
import type { Spawner, Workspace } from "../tool/ports.ts";
import { type Backend, chooseBackend, probeBwrap } from "../tool/process/backend.ts";
import { PROCESS_LIMITS } from "../tool/process/limits.ts";
import { processRun } from "../tool/process/run.ts";
import type { ToolRegistry } from "../tool/registry.ts";
import { skillRead } from "../tool/skill-read.ts";
import { toolBoxOf } from "../tool/toolbox.ts";

/** The world of a run's tools; a replay has none. */
export interface ToolWorld {
  readonly workspace: Workspace;
  readonly spawner: Spawner;
  readonly processes: Processes;
  /** ms since the epoch. */
  now(): number;
}

/** Where and how processes run. */
export interface Processes {
  readonly backend: Backend;
  readonly path: readonly string[];
  readonly readable: readonly string[];
  readonly temporary: string;
}

const SYSTEM_PATH = ["/usr/local/bin", "/usr/bin", "/bin", "/usr/local/sbin", "/usr/sbin", "/sbin"];

/** The tools of a run: what the registry describes, within the effective permission. */
export function toolsOf(
  resolved: ResolvedBlueprint,
  options: { readonly authority: Authority; readonly depth: number; readonly world: ToolWorld },
): ToolBox {
  const { authority } = options;
  const { workspace, spawner, processes, now } = options.world;
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
  return toolBoxOf(
    resolved.registry as unknown as ToolRegistry,
    [
      fileList(workspace, authority),
      fileRead(workspace, authority),
      fileSearch(workspace, authority),
      fileWrite(workspace, authority),
      fileRemove(workspace, authority),
      fileMove(workspace, authority),
      processRun({ workspace, authority, limits: PROCESS_LIMITS, ...processes }, now),
      httpFetch({ authority }),
      skillRead(skills),
      agentSpawn({ children, depth: options.depth, spawner, authority }),
    ],
    authority,
  );
}

/**
 * Chooses the backend of processes by the blueprint's preferences, where it allows processes at all. Commands are looked up
 * on a fixed path, with the Node that runs Pinion first. Throws `WorldError` when no listed backend can be had.
 */
export async function openProcesses(
  resolved: ResolvedBlueprint,
  options: { readonly temporary: string; readonly onNotice: (text: string) => void },
): Promise<Processes> {
  const node = dirname(process.execPath);
  const path = [node, ...SYSTEM_PATH.filter((folder) => folder !== node)];
  const around = { path, readable: [node], temporary: options.temporary };
  if (!resolved.tools.allow.includes("process.run")) return { ...around, backend: NOBODY };
  await mkdir(options.temporary, { recursive: true, mode: 0o700 });
  const backend = chooseBackend(resolved.execution.backend, await probeBwrap());
  if (backend.name === "unconfined") options.onNotice(backend.notice);
  return { ...around, backend };
}

/** For runs that start no processes. */
const NOBODY: Backend = { name: "unconfined", notice: "no process is allowed" };

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
      write: unreachable,
      createDirectory: unreachable,
      remove: unreachable,
      rename: unreachable,
      close: () => undefined,
    },
    spawner: { spawn: unreachable },
    processes: { backend: NOBODY, path: [], readable: [], temporary: "" },
    now: unreachable,
  };
}
