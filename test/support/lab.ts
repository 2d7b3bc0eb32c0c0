import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parse, stringify } from "yaml";
import { type ReplayResult, replayRecording } from "../../harness/replay.ts";
import { verifyRecordings } from "../../harness/verify/family.ts";
import { digestOf } from "../../src/model/canonical.ts";
import type { Entry } from "../../src/model/entry.ts";
import { isJsonObject, type JsonObject } from "../../src/model/json.ts";
import { readSignable } from "../../src/runtime/trust/sign.ts";
import { type Environment, type RunOptions, type RunSummary, runBlueprint, type Watching } from "../../src/runtime.ts";
import type { SigningKey } from "../../src/trust/ed25519.ts";
import { signHook } from "../../src/trust/signature.ts";
import { buildGuest } from "./guests.ts";

/** A hook of a test's own. */
export interface LabHook {
  readonly name: string;
  readonly component: Uint8Array;
  readonly role: "transformer" | "gate" | "observer";
  readonly phases: readonly string[];
  readonly config?: JsonObject;
  readonly instance?: "run" | "call";
  readonly limits?: JsonObject;
  readonly authority?: JsonObject;
  /** Whose signature it bears, which is then pinned. */
  readonly signedBy?: SigningKey;
  readonly world?: string;
}

export interface LabBlueprint {
  readonly hooks?: readonly LabHook[];
  /** First-party hooks by name with their configuration. */
  readonly shipped?: Readonly<Record<string, JsonObject>>;
  readonly chain?: Readonly<Record<string, readonly string[]>>;
  readonly shadow?: Readonly<Record<string, readonly string[]>>;
  readonly turns: readonly JsonObject[];
  readonly runtime?: JsonObject;
  readonly execution?: JsonObject;
  readonly tools?: readonly string[];
  /** Those of files, processes and agents unless given. */
  readonly taxa?: readonly string[];
  /** Bodies of skills by name. */
  readonly skills?: Readonly<Record<string, string>>;
  readonly limits?: JsonObject;
  readonly context?: JsonObject;
  readonly grants?: JsonObject;
  /** Rules of the blueprint itself. */
  readonly approvals?: readonly JsonObject[];
  /** `spec.secrets`; the policy allows them. */
  readonly secrets?: JsonObject;
  /** Secrets that the registry hands to tools. */
  readonly uses?: Readonly<Record<string, readonly JsonObject[]>>;
  /** Turns of the child `helper` that agent.spawn may start. */
  readonly child?: readonly JsonObject[];
  /** The tools of that child; `file.read` unless given. */
  readonly childTools?: readonly string[];
  readonly childExecution?: JsonObject;
  /** Its hooks, and their chain: all of them asked at each of their phases unless given. */
  readonly childHooks?: readonly LabHook[];
  readonly childChain?: Readonly<Record<string, readonly string[]>>;
  /** What the policy bundle says besides; and what the blueprint says of leases. */
  readonly policy?: JsonObject;
  readonly leases?: JsonObject;
  readonly childLeases?: JsonObject;
}

/** Transpiled components are shared by all tests on this machine; entries are authenticated, so a stale one is only rebuilt. */
const CACHE = join(tmpdir(), "pinion-test-cache");
const FILE_TOOLS = ["file.list", "file.read", "file.search", "file.write", "file.remove", "file.move"];
const ALL_TOOLS = [...FILE_TOOLS, "process.run", "agent.spawn"];
const ROOT = new URL("../..", import.meta.url).pathname;

/** A hook that runs `code` at every boundary; `phase`, `payload`, `host`, `files`, `allow`, `block` and `transform` are in reach. */
export async function scriptedHook(code: string, more: Partial<LabHook> & Pick<LabHook, "phases">): Promise<LabHook> {
  const source = await readFile(new URL("scripted-hook.js", import.meta.url), "utf8");
  return { name: "scripted", component: await buildGuest(source), role: "gate", config: { code }, ...more };
}

/** The same in the world `trusted-hook`; `minting` is in reach too. */
export async function mintingHook(code: string, more: Partial<LabHook> & Pick<LabHook, "phases">): Promise<LabHook> {
  const source = await readFile(new URL("scripted-hook.js", import.meta.url), "utf8");
  const minting = 'import * as minting from "pinion:hook/minting@1.0.0";';
  const component = await buildGuest(`${minting}\n${source.replace("const minting = undefined;", "")}`, "trusted-hook");
  const world = "pinion:hook/trusted-hook@1.0.0";
  return { name: "minter", component, world, role: "gate", config: { code }, ...more };
}

type Bin = "blueprint" | "harness" | "hook" | "pinion";

/** A machine of its own for real runs: folders, a workspace, blueprints written as files. */
export class Lab {
  readonly root: string;
  readonly env: Environment;
  readonly entries: Entry[] = [];
  readonly notices: string[] = [];

  private constructor(root: string) {
    this.root = root;
    this.env = {
      dataDir: join(root, "data/pinion"),
      stateDir: join(root, "state/pinion"),
      cacheDir: join(CACHE, "pinion"),
      configDirs: [join(root, "etc/pinion"), join(root, "config/pinion")],
      env: {},
      cwd: root,
      now: () => Date.now(),
      monotonic: () => performance.now(),
      random: (bytes) => randomBytes(bytes),
    };
  }

  static async open(): Promise<Lab> {
    const lab = new Lab(await mkdtemp(join(tmpdir(), "pinion-lab-")));
    await mkdir(lab.workspace);
    await mkdir(lab.env.stateDir, { recursive: true, mode: 0o700 });
    // One key for all labs, so that they share the component cache.
    await writeFile(join(lab.env.stateDir, "local.key"), `${"7e".repeat(32)}\n`, { mode: 0o600 });
    return lab;
  }

  /** The environment of a command that works on this machine. */
  get variables(): NodeJS.ProcessEnv {
    return {
      PATH: process.env.PATH,
      HOME: this.root,
      XDG_DATA_HOME: join(this.root, "data"),
      XDG_CONFIG_HOME: join(this.root, "config"),
      XDG_STATE_HOME: join(this.root, "state"),
      XDG_CACHE_HOME: CACHE,
      NO_COLOR: "1",
      LANG: "C.UTF-8",
    };
  }

  /** Runs one of the commands as a user would. */
  command(bin: Bin, args: readonly string[], variables: NodeJS.ProcessEnv = {}): ChildProcess {
    return spawn(process.execPath, [join(ROOT, "bin", `${bin}.mjs`), ...args], {
      cwd: this.root,
      env: { ...this.variables, ...variables },
      stdio: ["ignore", "pipe", "pipe"],
    });
  }

  /** The same, to its end. */
  async finished(
    bin: Bin,
    args: readonly string[],
    variables: NodeJS.ProcessEnv = {},
  ): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }> {
    const child = this.command(bin, args, variables);
    const texts = { stdout: "", stderr: "" };
    child.stdout?.on("data", (data: Buffer) => {
      texts.stdout += data.toString();
    });
    child.stderr?.on("data", (data: Buffer) => {
      texts.stderr += data.toString();
    });
    const [code] = (await once(child, "close")) as [number | null];
    return { code, ...texts };
  }

  get workspace(): string {
    return join(this.root, "workspace");
  }

  async file(path: string, content: string): Promise<void> {
    await mkdir(dirname(join(this.workspace, path)), { recursive: true });
    await writeFile(join(this.workspace, path), content);
  }

  /** Writes a blueprint with everything that it pins; returns its path. */
  async blueprint(parts: LabBlueprint, name = "lab"): Promise<string> {
    const folder = join(this.root, name === "lab" ? "blueprint" : `blueprint/${name}`);
    await mkdir(folder, { recursive: true });
    const tools = parts.tools ?? ALL_TOOLS;
    const spec = { taxa: parts.taxa ?? ["workspace", "process", "agent"], allow: tools };
    const filesystem = { read: ["**"], write: ["out/**"], deny: ["secrets/**"] };
    const execution = { backend: ["unconfined"], filesystem, process: { allow: [["node", "*"]] }, ...parts.execution };
    const { secrets = {} } = parts;
    const allowed = Object.keys(secrets).length === 0 ? {} : { secrets: { allow: Object.keys(secrets) } };
    const grants = { ...grantsOf(execution), tools: spec, spawn: { depth: 1, count: 1 } };
    const policy = { ...grants, ...allowed, ...parts.policy };
    const hooks = await Promise.all((parts.hooks ?? []).map((hook) => this.#hook(folder, hook)));
    const shipped = Object.keys(parts.shipped ?? {}).map((hook) =>
      pinOf(hook, `builtin:hooks/${hook}/hook.yaml`, ROOT),
    );
    const config = {
      ...Object.fromEntries((parts.hooks ?? []).map((hook) => [hook.name, hook.config ?? {}])),
      ...parts.shipped,
    };
    const pins = {
      hooks: [...hooks, ...(await Promise.all(shipped))],
      policy: await this.#document(folder, "policy", "PolicyBundle", policy),
      tools: await this.#registry(folder, parts),
      scripts: [await this.#document(folder, "script", "ModelScript", { turns: parts.turns })],
      ...(parts.skills === undefined ? {} : { skills: await skillsOf(parts.skills, folder) }),
      ...(parts.child === undefined
        ? {}
        : { blueprints: [await pinOf("helper", "helper/blueprint.yaml", folder, () => this.#child(parts))] }),
    };
    const file = join(folder, "blueprint.yaml");
    await writeFile(
      file,
      stringify(
        {
          apiVersion: "pinion.dev/v1",
          kind: "AgentBlueprint",
          metadata: { name, version: "1.0.0" },
          spec: {
            runtime: { adapter: "scripted", model: "script", ...parts.runtime },
            instructions: { text: "Do as you are told." },
            execution,
            tools: spec,
            ...(parts.approvals === undefined ? {} : { approvals: parts.approvals }),
            ...(parts.leases === undefined ? {} : { leases: parts.leases }),
            ...(Object.keys(secrets).length === 0 ? {} : { secrets }),
            ...(parts.context === undefined ? {} : { context: parts.context }),
            hooks: {
              chain: parts.chain ?? {},
              ...(parts.shadow === undefined ? {} : { shadow: parts.shadow }),
              config,
              ...(parts.grants === undefined ? {} : { grants: parts.grants }),
            },
            limits: { steps: 10, tokens: 1_000_000, toolCalls: 50, spawnDepth: 1, spawnCount: 1, ...parts.limits },
            pins,
          },
        },
        { aliasDuplicateObjects: false },
      ),
    );
    return file;
  }

  async run(file: string, options: Partial<RunOptions & Watching> = {}, env = this.env): Promise<RunSummary> {
    this.entries.length = 0;
    return runBlueprint(
      {
        file,
        goal: "try it",
        workspace: this.workspace,
        record: join(this.root, "out.jsonl"),
        signal: new AbortController().signal,
        onEntry: (entry) => this.entries.push(entry),
        onNotice: (text) => this.notices.push(text),
        ...options,
      },
      env,
    );
  }

  /** What surfaces give to a run: entries and notices are kept. */
  get watching(): Watching {
    return {
      signal: new AbortController().signal,
      onEntry: (entry) => void this.entries.push(entry),
      onNotice: (text) => void this.notices.push(text),
    };
  }

  /** Cuts a journal behind its first line that holds all of `words`: what a crash there would have left. */
  async crash({ journal }: RunSummary, ...words: readonly string[]): Promise<void> {
    const lines = (await readFile(journal, "utf8")).split("\n");
    const at = lines.findIndex((line) => words.every((word) => line.includes(word)));
    if (at < 0) throw new Error(`no entry holds ${words.join(" and ")}`);
    await writeFile(journal, `${lines.slice(0, at + 1).join("\n")}\n`);
    // None would have been made so early.
    await rm(join(dirname(journal), "checkpoints.jsonl"));
  }

  /** Destroys the key of a run. */
  async forget({ run }: RunSummary): Promise<void> {
    await rm(join(this.env.stateDir, "keys", `${run}.key`));
  }

  /** Rationale of the first verdict of each boundary of a phase. */
  rationales(phase: string): readonly string[] {
    return this.boundaries(phase).map(({ verdicts }) => {
      const [first] = verdicts as readonly JsonObject[];
      return String(first?.rationale);
    });
  }

  /** Replays a recording. Of what replays identical `harness verify` says the same, whatever checkpoints say. */
  async replay(file = join(this.root, "out.jsonl"), options: { readonly key?: string } = {}): Promise<ReplayResult> {
    const replayed = await replayRecording(file, options, this.env);
    if (replayed.answer.startsWith("identical")) {
      const { recordings } = await verifyRecordings([file], options, this.env);
      const against = recordings.flatMap((one) =>
        one.checks.filter(({ check, result }) => result === "failed" && check !== "checkpoints"),
      );
      if (against.length > 0) throw new Error(`it replays identical, and yet ${JSON.stringify(against)}`);
    }
    return replayed;
  }

  /** Bodies of the boundaries of one phase. */
  boundaries(phase: string): readonly JsonObject[] {
    return this.entries
      .filter((entry) => entry.kind === "check.boundary" && entry.body.phase === phase)
      .map((entry) => entry.body);
  }

  async close(): Promise<void> {
    await rm(this.root, { recursive: true, force: true });
  }

  async #child(parts: LabBlueprint): Promise<void> {
    const { child: turns = [], childTools: tools = ["file.read"], childExecution: execution = {} } = parts;
    const { childHooks: hooks = [], childLeases: leases } = parts;
    const every = Object.fromEntries(hooks.flatMap(({ name, phases }) => phases.map((phase) => [phase, [name]])));
    const { childChain: chain = every } = parts;
    const more = leases === undefined ? {} : { leases };
    await this.blueprint({ turns, tools, execution, hooks, chain, ...more }, "helper");
  }

  async #registry(folder: string, { uses }: LabBlueprint): Promise<JsonObject> {
    const source = "blueprints/shared/tools.yaml";
    if (uses === undefined) return pinOf("standard-tools", `builtin:${source}`, ROOT);
    const standard = parse(await readFile(join(ROOT, source), "utf8")) as { spec: { tools: { name: string }[] } };
    const tools = standard.spec.tools.map((tool) => ({ ...tool, secrets: uses[tool.name] ?? [] }));
    return this.#document(folder, "tools", "ToolRegistry", { tools });
  }

  async #document(folder: string, name: string, kind: string, spec: JsonObject): Promise<JsonObject> {
    const document = { apiVersion: "pinion.dev/v1", kind, metadata: { name, version: "1.0.0" }, spec };
    await writeFile(join(folder, `${name}.yaml`), stringify(document, { aliasDuplicateObjects: false }));
    return pinOf(name, `${name}.yaml`, folder);
  }

  async #hook(folder: string, hook: LabHook): Promise<JsonObject> {
    const place = join(folder, "hooks", hook.name);
    await mkdir(place, { recursive: true });
    await writeFile(join(place, "hook.wasm"), hook.component);
    const manifest = {
      apiVersion: "pinion.dev/v1",
      kind: "Hook",
      metadata: { name: hook.name, version: "1.0.0" },
      spec: {
        world: hook.world ?? "pinion:hook/hook@1.0.0",
        component: { file: "hook.wasm", digest: digestOf(hook.component) },
        role: hook.role,
        phases: hook.phases,
        config: { type: "object", properties: {}, additionalProperties: true },
        ...(hook.instance === undefined ? {} : { instance: hook.instance }),
        limits: { deadlineMs: 2000, hostcallMs: 2000, memoryPages: 512, ...hook.limits },
        ...(hook.authority === undefined ? {} : { authority: hook.authority }),
      },
    };
    await writeFile(join(place, "hook.yaml"), stringify(manifest, { aliasDuplicateObjects: false }));
    const pin = await pinOf(hook.name, `hooks/${hook.name}/hook.yaml`, folder);
    if (hook.signedBy === undefined) return pin;
    const signature = signHook(hook.signedBy, (await readSignable(place, this.env)).hook, {
      signedAt: this.env.now(),
      expires: null,
    });
    await writeFile(join(place, "hook.sig"), signature);
    return { ...pin, signature: digestOf(signature) };
  }
}

/** What of `spec.execution` a policy bundle says too. */
function grantsOf(execution: JsonObject): JsonObject {
  const part = (name: string, fields: readonly string[]): JsonObject => {
    const from = execution[name];
    if (!isJsonObject(from)) return {};
    const kept = fields.flatMap((field) => (from[field] === undefined ? [] : [[field, from[field]]]));
    return { [name]: Object.fromEntries(kept) };
  };
  return {
    ...part("filesystem", ["read", "write", "deny"]),
    ...part("process", ["allow", "network"]),
    ...part("network", ["domains"]),
  };
}

function skillsOf(skills: Readonly<Record<string, string>>, folder: string): Promise<JsonObject[]> {
  return Promise.all(
    Object.entries(skills).map(([name, text]) =>
      pinOf(name, `${name}.md`, folder, () =>
        writeFile(join(folder, `${name}.md`), `---\nname: ${name}\ndescription: how it is done\n---\n${text}\n`),
      ),
    ),
  );
}

async function pinOf(name: string, source: string, folder: string, make?: () => Promise<void>): Promise<JsonObject> {
  await make?.();
  const bytes = await readFile(join(folder, source.replace(/^builtin:/, "")));
  return { name, version: "1.0.0", digest: digestOf(bytes), source };
}
