import type { JsonObject } from "../../model/json.ts";
import { ToolError } from "../../model/tool.ts";
import { defineTool, fields, type Tool } from "../tool.ts";
import { MOVED, type ProcessHost, ready, withoutHost } from "./command.ts";
import { type Executable, findExecutable } from "./executable.ts";
import { Images } from "./image.ts";
import { type Finished, launch } from "./launch.ts";

interface Arguments {
  readonly argv: readonly string[];
  readonly cwd?: string;
  readonly timeoutMs?: number;
  readonly stdin?: string;
}

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
        timeoutMs: { type: "integer", minimum: 1, maximum: limits.timeoutMs },
        stdin: { type: "string", maxLength: 1_048_576 },
      },
      ["cwd", "timeoutMs", "stdin"],
    ),
    outputSchema: fields({
      exitCode: { type: ["integer", "null"] },
      signal: { type: ["string", "null"] },
      ended: { enum: ["by-itself", "timeout", "too-many-processes"] },
      stdout: { type: "string" },
      stderr: { type: "string" },
      backend: { enum: ["bwrap", "unconfined"] },
      notes: { type: "array", items: { type: "string" } },
    }),
    permit: ({ argv, cwd = "." }) => {
      const permission = authority.process(argv);
      if (!permission.allow || authority.hides(cwd) !== "whole") return permission;
      return authority.file("read", cwd);
    },
    async prepare({ argv, cwd = ".", timeoutMs = limits.timeoutMs, stdin = "" }, { signal }) {
      const permission = authority.process(argv);
      if (!permission.allow) throw new ToolError("denied", `${permission.reason} (${permission.rule})`);
      if (argv.some((word) => word.includes("\0")))
        throw new ToolError("bad-command", "a word of the command holds NUL");
      const executable = await findExecutable(argv[0] ?? "", { images, path: host.path, signal });
      const directory = orClose(executable, () => workspace.openDirectory(cwd));
      const { identity } = directory.stat(".");
      const resolution: JsonObject = {
        executable: executable.facts,
        cwd: { path: cwd, identity },
        backend: backend.name,
      };
      return {
        resolution,
        async act() {
          const command = ready({ executable, argv, cwd: { path: cwd, directory, identity }, stdin, timeoutMs }, host);
          let finished: Finished;
          try {
            finished = await launch(command, signal);
          } catch (error) {
            command.dispose();
            throw error;
          }
          const notes = [...command.notes, ...command.dispose()];
          return resultOf(finished, notes, host);
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

function resultOf(finished: Finished, notes: readonly string[], { backend, workspace }: ProcessHost) {
  const { exitCode, signal, ended, stdout, stderr, escaped } = finished;
  if (exitCode === 125 && stderr.text().trim() === MOVED) {
    throw new ToolError("resolution-changed", "the working directory has changed since the call was judged; ask again");
  }
  if (backend.name === "bwrap" && ended === "by-itself" && !finished.told.includes('"exit-code"')) {
    const why = withoutHost(stderr.text().trim(), workspace.hostPath());
    throw new ToolError("not-started", `the process could not be confined: ${why}`);
  }
  return {
    exitCode,
    signal,
    ended,
    stdout: stdout.text(),
    stderr: stderr.text(),
    backend: backend.name,
    notes: [...notes, ...(escaped ? ["a process that was started left its session and may still run"] : [])],
  };
}
