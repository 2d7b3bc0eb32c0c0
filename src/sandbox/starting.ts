import { HostFault } from "../model/hook.ts";
import { asReady } from "./check.ts";
import { BARE, type Confinement, confinements } from "./confinement.ts";
import { Deadline } from "./deadline.ts";
import { FROM_HOST, WASM_CAPS } from "./host/wire.ts";
import type { Started } from "./layers.ts";
import { ConfinedProcess } from "./process.ts";
import { programs } from "./programs.ts";

/** Ceilings of V8 for the whole process, whatever its hooks may have each. */
export const HOST_FLAGS = [
  `--wasm-max-mem-pages=${WASM_CAPS.pages}`,
  `--wasm-max-table-size=${WASM_CAPS.entries}`,
  "--max-old-space-size=512",
  // Garbage of single calls is short-lived: a larger nursery would only be larger.
  "--max-semi-space-size=1",
  "--disallow-code-generation-from-strings",
];

/** How child processes are confined on this machine, by the path of Node: tried once, by the first hook host. */
const known = new Map<string, Promise<Confinement | undefined>>();

/** The tightest confinement in which a hook host came up; `BARE` where none did. */
export async function confinementOf(node: string): Promise<Confinement> {
  return (await known.get(node)) ?? BARE;
}

/** A hook host from its start until it is gone. `ready` never rejects: a process that did not come up is a dead one. */
export class Starting {
  readonly ready: Promise<ConfinedProcess>;
  readonly #node: string;
  readonly #deadlineMs: number;
  readonly #flags: readonly string[];
  readonly #gone = Promise.withResolvers<void>();
  #process: ConfinedProcess | undefined;
  #started: Started | undefined;
  #killed = false;
  #held = true;

  constructor(node: string, deadlineMs: number, flags: readonly string[] = []) {
    this.#node = node;
    this.#deadlineMs = deadlineMs;
    this.#flags = flags;
    this.ready = this.#start();
    void this.ready.then(async (process) => {
      await process.gone;
      this.#gone.resolve();
    });
  }

  /** Resolves when the process is no more. */
  get gone(): Promise<void> {
    return this.#gone.promise;
  }

  /** What it was when it came up; undefined until then. */
  get started(): Started | undefined {
    return this.#started;
  }

  /** Whether it keeps our own process from ending by itself, from when it is up. */
  hold(holds: boolean): void {
    this.#held = holds;
    if (this.#started) this.#process?.hold(holds);
  }

  async kill(): Promise<void> {
    this.#killed = true;
    this.#held = true;
    await this.#process?.kill();
    await this.gone;
  }

  async #start(): Promise<ConfinedProcess> {
    for (let first = known.get(this.#node); first; first = known.get(this.#node)) {
      const decided = await first;
      if (decided) return this.#come(decided);
    }
    const { promise, resolve } = Promise.withResolvers<Confinement | undefined>();
    known.set(this.#node, promise);
    for (const confinement of confinements()) {
      const process = await this.#come(confinement);
      if (!this.#started && !this.#killed && confinement !== BARE) continue;
      // Who comes next tries again when this one tells nothing about the machine.
      if (!this.#started) known.delete(this.#node);
      resolve(this.#started && confinement);
      return process;
    }
    throw new Error("the last confinement is none");
  }

  /** Starts the process; it is up, or dead, when this resolves. */
  async #come(confinement: Confinement): Promise<ConfinedProcess> {
    const { host } = programs();
    const process = new ConfinedProcess({
      node: this.#node,
      program: host,
      flags: [...HOST_FLAGS, ...this.#flags],
      confinement,
      bounds: FROM_HOST,
    });
    this.#process = process;
    if (this.#killed) void process.kill();
    const deadline = new Deadline();
    await new Promise<void>((resolve) => {
      deadline.start(this.#deadlineMs, () =>
        process.fail(new HostFault("deadline", undefined, `no hook host within ${this.#deadlineMs} ms`)),
      );
      process.listen({
        frame: ({ head }) => {
          const seen = asReady(head);
          if (seen === undefined) throw new Error("what is no greeting");
          process.listen(undefined);
          const { pid = 0 } = process;
          if (seen.permission && seen.wasmCaps) this.#started = { pid, tools: confinement.tools, seen };
          else process.fail(new HostFault("host-died", undefined, `Node does not confine it: ${JSON.stringify(seen)}`));
          resolve();
        },
        end: () => resolve(),
      });
    });
    deadline.stop();
    process.hold(this.#held);
    return process;
  }
}
