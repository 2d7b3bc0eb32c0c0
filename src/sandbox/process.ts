import { type ChildProcess, spawn } from "node:child_process";
import type { Socket } from "node:net";
import { constants } from "node:os";
import { HostFault } from "../model/hook.ts";
import type { Confinement } from "./confinement.ts";
import { EXHAUSTED, encodeFrame, type Frame, type FrameBounds, FrameDecoder } from "./host/wire.ts";
import type { Program } from "./programs.ts";

export interface ProcessOptions {
  /** Path of the Node executable. */
  readonly node: string;
  readonly program: Program;
  readonly flags: readonly string[];
  readonly confinement: Confinement;
  /** The largest frame that it may send. */
  readonly bounds: FrameBounds;
}

export interface Listener {
  frame(frame: Frame): void;
  /** The process is dead or about to be; called once, and at once for a process that is dead already. */
  end(fault: HostFault): void;
}

/**
 * A child without permissions, terminal, or an environment of ours, in a process group of its own, that speaks frames over two pipes.
 * A frame that nobody listens for, or that breaks the rules, is a `protocol` fault and the end of the process.
 */
export class ConfinedProcess {
  readonly #child: ChildProcess;
  readonly #decoder: FrameDecoder;
  /** Resolves when the process is no more. */
  readonly gone: Promise<void>;
  #fault: HostFault | undefined;
  #listener: Listener | undefined;

  constructor(options: ProcessOptions) {
    this.#decoder = new FrameDecoder(options.bounds);
    this.#child = spawnChild(options);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.gone = promise;
    const ended = (detail: string) => {
      this.#end(new HostFault("host-died", undefined, detail));
      resolve();
    };
    this.#child.once("error", (error) => ended(`the process did not start: ${error.message}`));
    // What confined it may have been killed without it, before it was bound to die with that.
    this.#child.once("exit", () => this.#killRest());
    // `close`, not `exit`: what it wrote before it ended still counts.
    this.#child.once("close", (code, signal) => ended(wordsFor(code, signal)));
    // A broken pipe is the end of the process, which is reported when it has ended.
    this.#child.stdin?.on("error", () => undefined);
    this.#child.stdout?.on("data", (chunk: Buffer) => this.#receive(chunk));
    this.#child.stdin?.write(options.program.code);
  }

  /** Why the process is dead; undefined while it lives. */
  get fault(): HostFault | undefined {
    return this.#fault;
  }

  /** Of the process that was started: what confines it may stand between it and Node. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Who gets the frames from now on. */
  listen(listener: Listener | undefined): void {
    this.#listener = listener;
    if (this.#fault) listener?.end(this.#fault);
  }

  send(head: object, body: readonly Uint8Array[] = []): void {
    if (!this.#fault) this.#child.stdin?.write(encodeFrame(head, body));
  }

  /** Writes bytes as they are, and the end of the input after them. */
  finish(bytes: Uint8Array): void {
    if (!this.#fault) this.#child.stdin?.end(bytes);
  }

  /** SIGKILL, for this reason. */
  fail(fault: HostFault): void {
    this.#end(fault);
    this.#killGroup();
  }

  /** SIGKILL; resolves when the process is gone. */
  async kill(): Promise<void> {
    this.hold(true);
    this.fail(new HostFault("host-died", undefined, "the process was killed"));
    await this.gone;
  }

  /** Whether this process keeps ours from ending by itself. */
  hold(holds: boolean): void {
    const { stdin, stdout } = this.#child;
    for (const part of [this.#child, stdin as Socket | null, stdout as Socket | null]) {
      if (holds) part?.ref();
      else part?.unref();
    }
  }

  #receive(chunk: Buffer): void {
    if (this.#fault) return;
    try {
      for (const frame of this.#decoder.push(chunk)) {
        if (!this.#listener) throw new Error("a message that nobody waits for");
        this.#listener.frame(frame);
      }
    } catch (error) {
      const said = error instanceof Error ? error.message : "garbage";
      this.fail(new HostFault("protocol", undefined, `the process sent ${said}`));
    }
  }

  #end(fault: HostFault): void {
    if (this.#fault) return;
    this.#fault = fault;
    this.#listener?.end(fault);
  }

  #killGroup(): void {
    const { pid, exitCode, signalCode } = this.#child;
    if (pid === undefined || exitCode !== null || signalCode !== null) return;
    try {
      process.kill(-pid, "SIGKILL");
    } catch {
      // Not the leader of a group yet, or gone between the check and the call.
      this.#child.kill("SIGKILL");
    }
  }

  #killRest(): void {
    const { pid } = this.#child;
    try {
      if (pid !== undefined) process.kill(-pid, "SIGKILL");
    } catch {
      // Nothing is left of the group.
    }
  }
}

function wordsFor(code: number | null, signal: NodeJS.Signals | null): string {
  if (code === EXHAUSTED) return "the process ran out of memory or stack that its limits allow";
  // What stands around Node says so when a signal ended it.
  const passedOn = Object.entries(constants.signals).find(([, number]) => code === 128 + number)?.[0];
  return `the process ended with ${signal ?? passedOn ?? `exit code ${code}`}`;
}

/**
 * How much stack V8 may use, in KB: where we set the limit, `OPTIMISED` times what the depth limit of metered code allows, for
 * code that an optimiser makes of it; elsewhere less than the 8 MiB that systems give, which is enough for plain code.
 */
export const STACK_KB = { limited: 240_000, unlimited: 6000 } as const;

/**
 * The one variable that a child has, for glibc: memory that the compilers of V8 took for a moment goes back to the system
 * when they are done. Without it a host of four TypeScript hooks keeps a third more.
 */
const MALLOC = "glibc.malloc.mmap_threshold=32768:glibc.malloc.trim_threshold=65536:glibc.malloc.arena_max=2";

function spawnChild({ node, program, flags, confinement }: ProcessOptions): ChildProcess {
  const { boot, readable, args } = program;
  const [command = node, ...rest] = confinement.wrap(
    [
      node,
      "--permission",
      ...readable.map((path) => `--allow-fs-read=${path}`),
      `--stack-size=${confinement.tools.includes("prlimit") ? STACK_KB.limited : STACK_KB.unlimited}`,
      ...flags,
      "--input-type=module",
      "--eval",
      boot,
      "--",
      ...args,
    ],
    readable,
  );
  const env = { GLIBC_TUNABLES: MALLOC };
  return spawn(command, rest, { env, cwd: "/", detached: true, stdio: ["pipe", "pipe", "ignore"] });
}
