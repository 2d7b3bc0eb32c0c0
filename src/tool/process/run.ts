import type { JsonObject } from "../../model/json.ts";
import type { Need } from "../../model/lease.ts";
import { ToolError } from "../../model/tool.ts";
import { fileNeed } from "../files/need.ts";
import { METHODS } from "../http/need.ts";
import type { OpenTree } from "../ports.ts";
import { defineTool, fields, type Tool } from "../tool.ts";
import { WORKSPACE } from "./bwrap.ts";
import { type Command, environmentOf, MOVED, type ProcessHost, ready, withoutHost } from "./command.ts";
import { type Executable, findExecutable } from "./executable.ts";
import { UNHANDED } from "./handing.ts";
import { Images } from "./image.ts";
import { type Finished, launch } from "./launch.ts";
import { ENDINGS, type Ending, REPLACED } from "./limits.ts";
import { namedFiles } from "./named.ts";
import { permitted } from "./permitted.ts";
import { reallyRun } from "./really.ts";
import { UNMOUNTED } from "./tree/mounting.ts";

interface Arguments {
  readonly argv: readonly string[];
  readonly cwd?: string;
  readonly timeoutMs?: number;
  readonly stdin?: string;
}

/** What stands for the folder that is made for one command alone. */
const PRIVATE_FOLDER = "a private folder";

/** The largest limit that a blueprint can set. */
const LONGEST_MS = 86_400_000;

const EVERY_REQUEST = METHODS.map(
  (method): Need => ({ resource: "http", action: method.toLowerCase(), path: [], deep: true }),
);

/** `process.run`: one command, given as a list of words, never as a shell string. */
export function processRun(host: ProcessHost, now: () => number): Tool {
  const { workspace, authority, backend, limits } = host;
  const images = new Images(now);
  return defineTool<Arguments>({
    name: "process.run",
    taxon: "process",
    readOnly: false,
    idempotency: "unsafe",
    inputSchema: fields(
      {
        argv: { type: "array", minItems: 1, maxItems: 256, items: { type: "string", maxLength: 65_536 } },
        cwd: { type: "string" },
        timeoutMs: { type: "integer", minimum: 1, maximum: LONGEST_MS },
        stdin: { type: "string", maxLength: 1_048_576 },
      },
      ["cwd", "timeoutMs", "stdin"],
    ),
    outputSchema: fields({
      exitCode: { type: ["integer", "null"] },
      signal: { type: ["string", "null"] },
      ended: { enum: [...ENDINGS] },
      stdout: { type: "string" },
      stderr: { type: "string" },
      backend: { enum: ["bwrap", "unconfined"] },
      files: { enum: ["direct", "overlay-mount", "overlay-copy"] },
      network: { enum: ["none", "host"] },
      notes: { type: "array", items: { type: "string" } },
    }),
    permit: ({ argv, cwd = "." }, resolution) => {
      const permission = authority.process(argv, reallyRun(argv, resolution.executable));
      if (!permission.allow || authority.hides(cwd) !== "whole") return permission;
      return authority.file("read", cwd);
    },
    needs: ({ argv }) => [
      { resource: "process", action: "run", path: argv, deep: false },
      // What a process does to files and hosts is not asked about one by one: it needs a lease for all that it could reach.
      fileNeed("read", ".", "deep"),
      fileNeed("write", ".", "deep"),
      ...(authority.processNetwork === "host" ? EVERY_REQUEST : []),
    ],
    async prepare({ argv, cwd = ".", timeoutMs = limits.timeoutMs, stdin = "" }, { signal, handed = [] }) {
      const permission = authority.process(argv);
      if (!permission.allow) throw new ToolError("denied", `${permission.reason} (${permission.rule})`);
      if (timeoutMs > limits.timeoutMs)
        throw new ToolError("bad-arguments", `timeoutMs may be at most ${limits.timeoutMs}, found ${timeoutMs}`);
      if (argv.some((word) => word.includes("\0")))
        throw new ToolError("bad-command", "a word of the command holds NUL");
      const executable = await findExecutable(argv[0] ?? "", { images, path: host.path, signal });
      const directory = orClose(executable, () => workspace.openDirectory(cwd));
      const { identity } = directory.stat(".");
      const resolution: JsonObject = {
        executable: executable.facts,
        cwd: { path: cwd, identity },
        backend: backend.name,
        files: host.tree.kind,
        network: host.network.reach,
        environment: environmentOf(host, PRIVATE_FOLDER),
        named: orClose(executable, () => namedFiles(argv, { workspace, authority, cwd, roots: rootsOf(host) })),
      };
      return {
        resolution,
        async act() {
          const tree = await host.tree.open(signal);
          try {
            const command = { executable, argv, cwd: { path: cwd, directory, identity }, stdin, handed, timeoutMs };
            return await perform(command, { host, tree, signal });
          } finally {
            await tree.close();
          }
        },
        close() {
          directory.close();
          executable.close();
        },
      };
    },
  });
}

function orClose<T>(executable: Executable, open: () => T): T {
  try {
    return open();
  } catch (error) {
    executable.close();
    throw error;
  }
}

function rootsOf({ tree, workspace }: ProcessHost): readonly string[] {
  return tree.kind === "direct" ? [WORKSPACE, workspace.hostPath()] : [WORKSPACE];
}

interface Around {
  readonly host: ProcessHost;
  readonly tree: OpenTree;
  readonly signal: AbortSignal;
}

async function perform(command: Command, { host, tree, signal }: Around) {
  const prepared = ready(command, host, tree);
  let finished: Finished;
  let left: readonly string[] = [];
  try {
    finished = await launch(prepared, signal);
  } finally {
    left = prepared.dispose();
  }
  refuseUnstarted(finished, host, tree);
  const kept = await keep(finished, host, tree);
  const { exitCode, signal: killedBy, stdout, stderr, escaped } = finished;
  return {
    exitCode,
    signal: killedBy,
    ended: kept.ended,
    stdout: stdout.text(),
    stderr: stderr.text(),
    backend: host.backend.name,
    files: host.tree.kind,
    network: host.network.reach,
    notes: [
      ...host.notes,
      ...left,
      ...(escaped ? ["a process that was started could not be found or killed and may still run"] : []),
      ...kept.notes,
    ],
  };
}

/** What a command changed in a merged tree is the run's when it ended by itself, with whatever exit code, or ran out of time. */
const KEPT: Readonly<Record<Ending, boolean>> = {
  "by-itself": true,
  timeout: true,
  cpu: false,
  memory: false,
  "too-many-processes": false,
  quota: false,
};

async function keep(
  { ended, escaped }: Finished,
  host: ProcessHost,
  tree: OpenTree,
): Promise<{ readonly ended: Ending; readonly notes: readonly string[] }> {
  if (host.tree.kind === "direct") return { ended, notes: [] };
  if (escaped || !KEPT[ended]) return { ended, notes: ["nothing that the command changed was kept"] };
  try {
    return { ended, ...(await tree.keep((left) => permitted(left, host))) };
  } catch (error) {
    if (!(error instanceof ToolError) || error.code !== "quota") throw error;
    return { ended: "quota", notes: ["nothing that the command changed was kept", error.message] };
  }
}

/** Throws when it was not the command that ended. */
function refuseUnstarted({ exitCode, ended, stderr, told }: Finished, host: ProcessHost, tree: OpenTree): void {
  const said = stderr.text().trim();
  if (exitCode === 125 && said === MOVED) {
    throw new ToolError("resolution-changed", "the working directory has changed since the call was judged; ask again");
  }
  if (exitCode === 125 && said === REPLACED) {
    throw new ToolError("resolution-changed", "the executable has changed since the call was judged; ask again");
  }
  if (exitCode === 125 && said === UNHANDED) throw new ToolError("not-started", UNHANDED);
  const why = [tree.path, tree.workspace].reduce(withoutHost, said);
  if (exitCode === 125 && said.startsWith(UNMOUNTED)) throw new ToolError("not-started", why);
  if (host.backend.name === "bwrap" && ended === "by-itself" && !told.includes('"exit-code"')) {
    throw new ToolError("not-started", `the process could not be confined: ${why}`);
  }
}
