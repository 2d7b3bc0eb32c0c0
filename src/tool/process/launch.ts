import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readdirSync, readFileSync } from "node:fs";
import { Duplex } from "node:stream";
import { ToolError } from "../../model/tool.ts";
import type { Mask } from "../ports.ts";
import { Family, type Kinship, killFamily } from "./family.ts";
import type { Ending, ProcessLimits } from "./limits.ts";
import { Output } from "./output.ts";
import { startWatch } from "./watch.ts";

/** How long the output may stay open after everything was killed. */
const CLOSE_MS = 1_000;

export interface Launch {
  readonly program: string;
  readonly arguments: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** A host path, or a descriptor's. */
  readonly cwd: string;
  readonly stdin: string;
  /** Descriptors that the process gets as 3, 4, … */
  readonly descriptors: readonly number[];
  /** How many pipes the process gets after these. What it writes there is in `told`. */
  readonly pipes: number;
  /** What it can read from one more pipe, the last; that pipe is not there without it. */
  readonly handed?: string | undefined;
  readonly mask?: Mask;
  readonly limits: ProcessLimits;
  readonly kinship: Kinship;
  /** Whether what was written so far is too much. */
  exceeded(): Promise<boolean>;
}

export interface Finished {
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly stdout: Output;
  readonly stderr: Output;
  /** What came through the further pipes. */
  readonly told: string;
  readonly ended: Ending;
  /** Whether something that was started may still run after all were killed that could be found. */
  readonly escaped: boolean;
}

/**
 * Runs a process in a session of its own and waits until it and what it started are gone.
 * Throws `ToolError("cancelled")` when the signal fires, after everything was killed.
 */
export async function launch(request: Launch, signal: AbortSignal): Promise<Finished> {
  const { limits, mask } = request;
  const child = start(request);
  const stdout = new Output(limits.outputBytes, mask);
  const stderr = new Output(limits.outputBytes, mask);
  const told = new Output(4_096);
  const further = 3 + request.descriptors.length;
  for (const pipe of child.stdio.slice(further, further + request.pipes)) {
    pipe?.on("data", (chunk: Buffer) => told.add(chunk));
  }
  if (request.handed !== undefined) handOver(child.stdio[further + request.pipes], request.handed);
  child.stdout?.on("data", (chunk: Buffer) => stdout.add(chunk));
  child.stderr?.on("data", (chunk: Buffer) => stderr.add(chunk));
  // EPIPE: the process does not read what it is given, which is its own affair.
  child.stdin?.on("error", () => child.stdin?.destroy());
  child.stdin?.end(request.stdin);
  const end = await supervise(child, request, signal);
  return { ...end, stdout, stderr, told: told.text() };
}

/** EPIPE: the process has ended before it read what it was handed. */
function handOver(pipe: ChildProcess["stdio"][number] | undefined, text: string): void {
  if (!(pipe instanceof Duplex)) return;
  pipe.on("error", () => pipe.destroy());
  pipe.resume();
  pipe.end(text);
}

function start(request: Launch): ChildProcess {
  const nothing = openSync("/dev/null", "r");
  try {
    return spawn(request.program, request.arguments, {
      cwd: request.cwd,
      env: { ...request.environment },
      detached: true,
      stdio: plan(request, nothing),
    });
  } catch (error) {
    throw notStarted(error);
  } finally {
    closeSync(nothing);
  }
}

async function supervise(
  child: ChildProcess,
  { limits, kinship, exceeded }: Launch,
  signal: AbortSignal,
): Promise<Pick<Finished, "exitCode" | "signal" | "ended" | "escaped">> {
  const { pid } = child;
  const exited = new Promise<{ exitCode: number | null; signal: string | null }>((resolve, reject) => {
    child.once("exit", (exitCode, signalName) => resolve({ exitCode, signal: signalName }));
    child.once("error", (error) => reject(notStarted(error)));
  });
  const closed = new Promise<void>((resolve) => child.once("close", () => resolve()));
  if (pid === undefined) return { ...(await exited), ended: "by-itself", escaped: false };

  const family = new Family(pid, kinship);
  const end: { why: Ending | "cancelled" } = { why: "by-itself" };
  const stopFor = (why: typeof end.why): void => {
    if (end.why === "by-itself") end.why = why;
    family.strike();
  };
  const timer = setTimeout(() => stopFor("timeout"), limits.timeoutMs);
  const watch = startWatch({ family, limits, exceeded, onExceeded: stopFor });
  const cancel = (): void => stopFor("cancelled");
  signal.addEventListener("abort", cancel);
  if (signal.aborted) cancel();
  try {
    const exit = await exited;
    const gone = await killFamily(family);
    await watch.stop();
    const open = await stillOpen(child, closed);
    if (end.why === "cancelled") throw new ToolError("cancelled", "the process was cancelled and killed");
    return { ...exit, ended: end.why, escaped: open || !gone };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", cancel);
    await watch.stop();
  }
}

async function stillOpen(child: ChildProcess, closed: Promise<void>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(true), CLOSE_MS);
  });
  const open = await Promise.race([closed.then(() => false), late]);
  clearTimeout(timer);
  if (open) for (const pipe of child.stdio) pipe?.destroy();
  return open;
}

/**
 * The descriptors of the child. What this process inherited and would pass on (no close-on-exec) is replaced by /dev/null:
 * an inherited directory would be a way out of every confinement.
 */
function plan({ descriptors, pipes, handed }: Launch, nothing: number): ("pipe" | "ignore" | number)[] {
  const further = Array.from({ length: handed === undefined ? pipes : pipes + 1 }, () => "pipe" as const);
  const stdio: ("pipe" | "ignore" | number)[] = ["pipe", "pipe", "pipe", ...descriptors, ...further];
  const inherited = readdirSync("/proc/self/fd")
    .map(Number)
    .filter((fd) => fd >= stdio.length && isInherited(fd));
  for (let fd = stdio.length; fd <= Math.max(-1, ...inherited); fd++)
    stdio.push(inherited.includes(fd) ? nothing : "ignore");
  return stdio;
}

function isInherited(fd: number): boolean {
  try {
    const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "latin1"))?.[1];
    return flags !== undefined && (Number.parseInt(flags, 8) & CLOSE_ON_EXEC) === 0;
  } catch {
    // The descriptor of the listing itself, closed by now.
    return false;
  }
}
/** O_CLOEXEC in fdinfo (proc_pid_fdinfo(5)). */
const CLOSE_ON_EXEC = 0o2000000;

function notStarted(error: unknown): ToolError {
  const code = error instanceof Error && "code" in error ? String(error.code) : "unknown reason";
  return new ToolError("not-started", `the process could not be started: ${code}`);
}
