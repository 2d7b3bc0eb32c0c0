import type { Journal, Receipt } from "../model/entry.ts";
import { BugError } from "../model/errors.ts";
import { type HookHost, type HookHosts, HostFault, type PinnedHook } from "../model/hook.ts";
import type { Failures } from "./failures.ts";

export interface InstancesParts {
  readonly hosts: Pick<HookHosts, "open">;
  readonly journal: Journal;
  readonly hooks: readonly PinnedHook[];
  /** Verified bytes of the hook's component. Throws `HostFault("missing-artifact")` where a live run goes on without it. */
  component(hook: PinnedHook): Promise<Uint8Array>;
  /** 32 bytes, hex, for the random source of one instance. */
  seed(instance: string): string;
  readonly deadlines: boolean;
  readonly failures: Failures;
  /** Called when the instance of a hook is gone: what was given to it is nobody's. */
  gone(hook: string): void;
  /** 0 for the agent's own boundaries, 1 and 2 for calls that hooks request. */
  readonly level: number;
}

/**
 * The instances of a run's hooks in one hook host. When the host dies, all instances start anew in the next one.
 * INVARIANT: a hook that failed has no instance until it is re-armed, and then gets a fresh one.
 */
export class Instances {
  readonly #parts: InstancesParts;
  readonly #loaded = new Set<string>();
  /** Instructions that loading took, by hook. */
  readonly #fuel = new Map<string, number>();
  #host: HookHost | undefined;
  #generation = 0;
  #receipt: Receipt | undefined;

  constructor(parts: InstancesParts) {
    this.#parts = parts;
  }

  /** The entry that says which hooks were loaded, and with which grants. */
  get receipt(): Receipt {
    if (this.#receipt === undefined) throw new BugError({ code: "no-hooks", message: "no hooks have been loaded yet" });
    return this.#receipt;
  }

  /** Loads the hooks for the first time, or says in the journal that there are none. */
  async start(): Promise<void> {
    if (this.#parts.hooks.length === 0) this.#record();
    else await this.ready();
  }

  /** A live host that holds an instance of every hook that has not failed. */
  async ready(): Promise<HookHost> {
    for (;;) {
      const host = await this.#open();
      if (this.#missing().length === 0) return host;
      await this.#load(host);
      this.#record();
      if (this.#host === host) return host;
    }
  }

  /** The instance that answered is gone: the hook gets a fresh one for each call. */
  released(hook: string): void {
    this.#parts.gone(hook);
  }

  /** The instance is worthless: its hook trapped, failed, or was cut short. */
  discard(hook: string): void {
    if (this.#loaded.delete(hook)) this.#parts.gone(hook);
  }

  /** Kills the host; all instances are gone, and start anew in the next one. */
  async close(): Promise<void> {
    const host = this.#host;
    this.#host = undefined;
    for (const hook of [...this.#loaded]) this.discard(hook);
    await host?.kill();
  }

  #missing(): PinnedHook[] {
    return this.#parts.hooks.filter((hook) => !this.#loaded.has(hook.name) && !this.#parts.failures.get(hook.name));
  }

  /** The host that is there, unless it died while nobody asked it anything: then the next one. */
  async #open(): Promise<HookHost> {
    const { journal, level } = this.#parts;
    const host = this.#host;
    if (host !== undefined) {
      try {
        await journal.faultable({ host: `${level}/${this.#generation}` }, () => mustLive(host));
        return host;
      } catch (error) {
        if (!(error instanceof HostFault)) throw error;
        await this.close();
      }
    }
    this.#generation += 1;
    this.#host = await this.#parts.hosts.open({ deadlines: this.#parts.deadlines });
    return this.#host;
  }

  async #load(host: HookHost): Promise<void> {
    const { journal, failures, level } = this.#parts;
    for (const hook of this.#missing()) {
      const instance = `${level}/${this.#generation}/${hook.name}`;
      try {
        const loaded = await journal.faultable({ load: instance }, async () =>
          host.load({ hook, bytes: await this.#parts.component(hook), seed: this.#parts.seed(instance) }),
        );
        this.#fuel.set(hook.name, loaded.fuel);
        if (loaded.ok) this.#loaded.add(hook.name);
        else failures.mark({ hook: hook.name, cause: loaded.cause, detail: loaded.detail });
      } catch (error) {
        if (!(error instanceof HostFault)) throw error;
        this.#fuel.delete(hook.name);
        failures.mark({ hook: hook.name, cause: error.fault, detail: error.message });
        if (error.fault === "missing-artifact") continue;
        await this.close();
        return;
      }
    }
  }

  #record(): void {
    const { journal, hooks, failures, level } = this.#parts;
    this.#receipt = journal.check("check.hooks", {
      level,
      generation: this.#generation,
      hooks: hooks.map((hook) => {
        const failure = failures.get(hook.name);
        const fuel = this.#fuel.get(hook.name);
        return {
          hook: hook.name,
          version: hook.version,
          digest: hook.digest,
          component: hook.component,
          role: hook.role,
          tier: hook.tier,
          instance: hook.instance,
          limits: { ...hook.limits },
          authority: { tools: hook.authority.tools, files: hook.authority.files.map((file) => ({ ...file })) },
          ...(fuel === undefined ? {} : { fuel }),
          ...(failure === undefined ? { state: "ready" } : { state: "failed", cause: failure.cause }),
        };
      }),
    });
  }
}

function mustLive(host: HookHost): Promise<void> {
  if (host.alive) return Promise.resolve();
  return Promise.reject(new HostFault("host-died", undefined, "the hook host died while it was idle"));
}
