import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";
import { parse } from "yaml";
import type { Layer } from "../../src/capability/layer.ts";
import { effectivePermission } from "../../src/capability/permission.ts";
import { digestOf } from "../../src/model/canonical.ts";
import type { Json, JsonObject } from "../../src/model/json.ts";
import type { Leased, SecretUse, ToolBox } from "../../src/model/tool.ts";
import { agentSpawn } from "../../src/tool/agent-spawn.ts";
import { fileList } from "../../src/tool/files/list.ts";
import { fileMove } from "../../src/tool/files/move.ts";
import { fileRead } from "../../src/tool/files/read.ts";
import { fileRemove } from "../../src/tool/files/remove.ts";
import { fileSearch } from "../../src/tool/files/search.ts";
import { fileWrite } from "../../src/tool/files/write.ts";
import { hookPropose } from "../../src/tool/hook-propose.ts";
import { httpFetch } from "../../src/tool/http/fetch.ts";
import type { Network } from "../../src/tool/http/network.ts";
import type { ProcessTree, Secrets, Spawner, Workspace } from "../../src/tool/ports.ts";
import type { Backend } from "../../src/tool/process/backend.ts";
import type { ProcessHost } from "../../src/tool/process/command.ts";
import type { Filter } from "../../src/tool/process/filter.ts";
import { PROCESS_LIMITS, type ProcessLimits } from "../../src/tool/process/limits.ts";
import { networkOf, probeNetwork } from "../../src/tool/process/network.ts";
import { processRun } from "../../src/tool/process/run.ts";
import type { Seal } from "../../src/tool/process/seal.ts";
import { directTree } from "../../src/tool/process/tree/direct.ts";
import type { ToolRegistry } from "../../src/tool/registry.ts";
import { NO_SECRETS } from "../../src/tool/secrets/none.ts";
import type { Listed } from "../../src/tool/secrets/uses.ts";
import { skillRead } from "../../src/tool/skill-read.ts";
import type { Tool } from "../../src/tool/tool.ts";
import { toolBoxOf } from "../../src/tool/toolbox.ts";
import { openHostDirectory } from "../../src/vfs/host.ts";
import { NOTHING_ELSE } from "../support/nothing-else.ts";

export const STANDARD: ToolRegistry = parse(readFileSync("blueprints/shared/tools.yaml", "utf8"));
export const UNCONFINED: Backend = { name: "unconfined", notice: "UNCONFINED: for a test" };
const networkProbe = await probeNetwork();
export const NODE = dirname(process.execPath);

/** A layer that allows everything but files and commands outside of what it is given. */
export function layer(parts: Partial<Layer> = {}): Layer {
  return {
    name: "policy test@1.0.0",
    filesystem: { read: ["**"], write: ["**"], deny: [] },
    process: { allow: [], deny: [], network: "none" },
    network: { domains: [], deny: [] },
    tools: {
      taxa: ["pure", "workspace", "process", "network", "agent"],
      allow: STANDARD.spec.tools.map(({ name }) => name),
      deny: [],
    },
    spawn: { depth: 1, count: 1 },
    ...NOTHING_ELSE,
    ...parts,
  };
}

export interface Bench {
  readonly box: ToolBox;
  readonly tools: readonly Tool[];
  /** The folder that holds `workspace`, `temporary` and whatever a test adds. */
  readonly folder: string;
  at(path: string): string;
  /** Resolves, judges and performs, as the kernel does. Throws when it is not permitted. */
  call(tool: string, call: JsonObject, signal?: AbortSignal): Promise<Json>;
}

export interface BenchOptions {
  readonly layers?: readonly Layer[];
  readonly backend?: Backend;
  readonly path?: readonly string[];
  readonly readable?: readonly string[];
  /** Secrets that every tool may have, and tools that are handed some. */
  readonly secrets?: Secrets;
  readonly uses?: Readonly<Record<string, readonly SecretUse[]>>;
  /** What the blueprint lets tools have; all of that unless given. */
  readonly listed?: Listed;
  /** Instead of a folder of its own, which is removed. */
  readonly folder?: string;
  readonly limits?: Partial<ProcessLimits>;
  readonly network?: Network;
  /** What the leases of every call say. */
  readonly leased?: Leased;
  readonly spawner?: Spawner;
  readonly now?: () => number;
  readonly filter?: Filter;
  readonly seal?: Seal;
  /** Where control groups can be made; without it, none are. */
  readonly groups?: string;
  /** Opens the files instead of the folder `workspace` itself. */
  readonly workspace?: Workspace;
  /** How processes see the files; without it, they work on the workspace itself. */
  readonly tree?: ProcessTree;
}

/** Real tools over a real folder, which is removed when the test is over. */
export function bench(options: BenchOptions = {}): Bench {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), "pinion-tool-"));
  const made = benchIn({ ...options, folder });
  onTestFinished(() => {
    made.close();
    if (options.folder === undefined) rmSync(folder, { recursive: true, force: true });
  });
  return made;
}

/** The same in a folder of the caller's, until it is closed. */
export function benchIn(options: BenchOptions & { readonly folder: string }): Bench & { close(): void } {
  const { folder } = options;
  const at = (path: string): string => join(folder, "workspace", path);
  mkdirSync(at("."), { recursive: true });
  mkdirSync(join(folder, "temporary"), { recursive: true });
  const workspace = options.workspace ?? openHostDirectory(at("."), { actions: ["read", "write"] });
  const authority = effectivePermission(options.layers ?? [layer()]);
  const { secrets = NO_SECRETS } = options;
  const backend = options.backend ?? UNCONFINED;
  const host: ProcessHost = {
    workspace,
    authority,
    backend,
    path: options.path ?? [NODE, "/usr/bin", "/bin"],
    readable: options.readable ?? [],
    temporary: join(folder, "temporary"),
    secrets: () => join(folder, "temporary"),
    mask: secrets.mask,
    limits: { ...PROCESS_LIMITS, ...options.limits },
    tree: options.tree ?? directTree(workspace),
    filter: options.filter,
    seal: options.seal ?? ((command) => command),
    network: networkOf(authority.processNetwork, backend.name, networkProbe),
    groups: options.groups,
    notes: backend.name === "unconfined" ? [backend.notice] : [],
  };
  const text = Buffer.from("# How to review\n");
  const tools = [
    fileList(workspace, authority),
    fileRead(workspace, authority, secrets.mask),
    fileSearch(workspace, authority, secrets.mask),
    fileWrite(workspace, authority),
    fileRemove(workspace, authority),
    fileMove(workspace, authority),
    processRun(host, options.now ?? Date.now),
    httpFetch({
      authority,
      mask: secrets.mask,
      ...(options.network === undefined ? {} : { network: options.network }),
    }),
    skillRead([{ name: "review", version: "1.0.0", digest: digestOf(text), read: () => Promise.resolve(text) }]),
    agentSpawn({
      children: [{ name: "reader", version: "1.0.0", blueprint: digestOf("reader") }],
      depth: 0,
      authority,
      spawner: options.spawner ?? { spawn: () => Promise.resolve({ run: "r1", state: "completed", answer: "42" }) },
    }),
    hookPropose({ propose: () => Promise.resolve({ proposal: "p1", state: "pending", component: digestOf("p1") }) }),
  ];
  const described = STANDARD.spec.tools.map((tool) => ({ ...tool, secrets: options.uses?.[tool.name] ?? [] }));
  const registry = { ...STANDARD, spec: { tools: described } };
  const listed = options.listed ?? ((name, tool) => options.uses?.[tool]?.some((use) => use.name === name) === true);
  const box = toolBoxOf(registry, tools, authority, { secrets, listed });
  return {
    box,
    tools,
    folder,
    at,
    close: () => workspace.close(),
    async call(tool, call, signal = new AbortController().signal) {
      const invalid = box.invalidArguments({ tool, arguments: call });
      if (invalid !== undefined) throw new Error(`invalid: ${invalid}`);
      const request = { tool, arguments: call };
      const resolution = await box.resolve(request, signal);
      const permission = box.permit(request, resolution);
      if (!permission.allow) throw new Error(`denied: ${permission.rule}: ${permission.reason}`);
      return await box.perform(request, resolution, signal, options.leased);
    },
  };
}
