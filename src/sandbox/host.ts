import { BugError } from "../model/errors.ts";
import {
  type HookBatch,
  type HookHost,
  HostFault,
  type Loaded,
  type LoadRequest,
  type PinnedHook,
} from "../model/hook.ts";
import type { Tier } from "../model/phase.ts";
import { asLoaded } from "./check.ts";
import type { Component } from "./component.ts";
import { Deadline } from "./deadline.ts";
import type { Frame, LoadMessage, SentFile } from "./host/wire.ts";
import { TRUSTED_WORLD, WORLD } from "./inspect/world.ts";
import type { ConfinedProcess } from "./process.ts";
import { Session, type TimeLimits } from "./session.ts";

export interface HostParts {
  readonly process: ConfinedProcess;
  /** Of all hooks that it holds. */
  readonly tier: Tier;
  /** The code of a component, or why there is none. */
  readonly component: (request: LoadRequest) => Promise<Component>;
  /** ms for everything that a hook does before its first call; undefined where recorded faults are imposed instead. */
  readonly loadDeadlineMs: number;
  readonly deadlines: boolean | (() => boolean);
  /** ms from any beginning, never going back. */
  readonly clock: () => number;
}

/** With recorded deadlines imposed, only what hangs for this long is given up, in ms. */
const BACKSTOP_MS = 60_000;

/** One hook host process, seen from outside. */
export class Host implements HookHost {
  readonly #parts: HostParts;
  readonly #limits = new Map<string, TimeLimits>();
  /** Digests of the core modules that the process holds. */
  readonly #held = new Set<string>();
  /** Batches that are not over, the one at work first. */
  readonly #line: Session[] = [];
  #batches = 0;
  #loading = false;

  constructor(parts: HostParts) {
    this.#parts = parts;
  }

  get alive(): boolean {
    return this.fault === undefined;
  }

  get fault(): HostFault | undefined {
    return this.#parts.process.fault;
  }

  async load(request: LoadRequest): Promise<Loaded> {
    const { hook, seed } = request;
    this.#mustBeIdle();
    if (hook.tier !== this.#parts.tier) {
      const message = `the hook \`${hook.name}\` is ${hook.tier}, the host is for hooks that are ${this.#parts.tier}`;
      throw new BugError({ code: "tiers-mixed", message });
    }
    this.#loading = true;
    try {
      const component = await this.#parts.component(request);
      if (!component.ok) {
        return {
          ok: false,
          fuel: 0,
          cause: "malformed",
          detail: `the component is no \`${WORLD}\`: ${component.detail}`,
        };
      }
      const wrong = wrongWorld(hook, component.world);
      if (wrong !== undefined) return { ok: false, fuel: 0, cause: "malformed", detail: wrong };
      const { files, body } = this.#unsent(component);
      const message: LoadMessage = {
        kind: "load",
        hook: hook.name,
        role: hook.role,
        instance: hook.instance,
        ...(hook.world === TRUSTED_WORLD ? { mints: true } : {}),
        limits: hook.limits,
        config: JSON.stringify(hook.config),
        seed,
        files,
      };
      const reply = this.#reply(hook.name, asLoaded);
      this.#parts.process.send(message, body);
      const loaded = await reply;
      if (loaded.ok) this.#limits.set(hook.name, hook.limits);
      return loaded;
    } finally {
      this.#loading = false;
    }
  }

  begin(batch: HookBatch): Session {
    this.#mustBeIdle();
    return this.beginAhead(batch);
  }

  beginAhead(batch: HookBatch): Session {
    if (this.#loading) throw busy();
    for (const hook of [...batch.hooks, ...(batch.audit?.hooks ?? [])]) {
      if (!this.#limits.has(hook)) {
        throw new BugError({ code: "hook-not-loaded", message: `the hook \`${hook}\` was not loaded into this host` });
      }
    }
    this.#batches += 1;
    const { process, clock } = this.#parts;
    const limitsOf = (hook: string) => this.#limitsOf(hook);
    const onOver = () => {
      this.#line.shift();
      this.#line[0]?.take();
    };
    const session = new Session({ process, number: this.#batches, limitsOf, clock, onOver }, batch);
    if (this.#line.push(session) === 1) session.take();
    return session;
  }

  kill(): Promise<void> {
    return this.#parts.process.kill();
  }

  /** What of a component must be sent: its program, and the core modules that the process does not hold yet. */
  #unsent(component: Component & { readonly ok: true }): {
    readonly files: readonly SentFile[];
    readonly body: readonly Uint8Array[];
  } {
    const body: Uint8Array[] = [];
    let at = 0;
    const files = component.files.map((file, index) => {
      const held = this.#held.has(file.digest);
      if (!held) body.push(component.body.subarray(at, at + file.size));
      if (index > 0) this.#held.add(file.digest);
      at += file.size;
      return { ...file, held };
    });
    return { files, body };
  }

  #limitsOf(hook: string): TimeLimits {
    const { deadlineMs = 0, hostcallMs = 0 } = this.#limits.get(hook) ?? {};
    return { deadlineMs: this.#allowed(deadlineMs), hostcallMs: this.#allowed(hostcallMs) };
  }

  #allowed(ms: number): number {
    const { deadlines } = this.#parts;
    return (typeof deadlines === "function" ? deadlines() : deadlines) ? ms : BACKSTOP_MS;
  }

  #mustBeIdle(): void {
    if (this.#loading || this.#line.length > 0) throw busy();
  }

  /** The one frame that answers what is about to be sent. */
  #reply<T>(hook: string | undefined, decode: (head: unknown) => T | undefined): Promise<T> {
    const { process, loadDeadlineMs } = this.#parts;
    const deadline = new Deadline();
    const ms = this.#allowed(loadDeadlineMs);
    return new Promise((resolve, reject) => {
      const settle = (action: () => void) => {
        deadline.stop();
        action();
      };
      deadline.start(ms, () => process.fail(new HostFault("deadline", hook, `not loaded within ${ms} ms`)));
      process.listen({
        frame: ({ head }: Frame) => {
          const reply = decode(head);
          if (reply === undefined) throw new Error("what is no answer to what it was asked");
          process.listen(undefined);
          settle(() => resolve(reply));
        },
        end: ({ fault, message }) => settle(() => reject(new HostFault(fault, hook, message))),
      });
    });
  }
}

function busy(): BugError {
  return new BugError({ code: "host-busy", message: "a hook host does one thing at a time" });
}

/** Who makes leases is signed for it and says so: no component takes more than its manifest asks for, and none asks for it in vain. */
function wrongWorld({ world, tier }: PinnedHook, found: string): string | undefined {
  if (world !== TRUSTED_WORLD) {
    return found === world ? undefined : `the component is of the world \`${found}\`, its manifest says \`${world}\``;
  }
  return tier === "trusted" ? undefined : `hooks of the world \`${TRUSTED_WORLD}\` must be trusted, it is ${tier}`;
}
