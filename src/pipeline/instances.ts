import type { Journal, Receipt } from "../model/entry.ts";
import { BugError } from "../model/errors.ts";
import { type HookHost, type HookHosts, HostFault, type PinnedHook } from "../model/hook.ts";
import type { Tier } from "../model/phase.ts";
import type { Failures } from "./failures.ts";

export interface InstancesParts {
  readonly hosts: Pick<HookHosts, "open">;
  readonly journal: Journal;
  readonly hooks: readonly PinnedHook[];
  /** Verified bytes of the hook's component. Throws `HostFault("missing-artifact")` where a live run goes on without it. */
  component(hook: PinnedHook): Promise<Uint8Array>;
  /** 32 bytes, hex, for the random source of one instance. */
  seed(instance: string): string;
  readonly deadlines: boolean | (() => boolean);
  readonly failures: Failures;
  /** Called when the instance of a hook is gone: what was given to it is nobody's. */
  gone(hook: string): void;
  /** 0 for the agent's own boundaries, 1 and 2 for calls that hooks request. */
  readonly level: number;
  /** Whether hook hosts are held already by this run or for it: it must not wait for others then. */
  holding(): boolean;
  /** Aborted when nobody waits for the run any more. */
  readonly signal?: AbortSignal | undefined;
}

interface Held {
  readonly host: HookHost;
  readonly generation: number;
}

/**
 * The instances of a run's hooks, in one hook host for each tier. When a host dies, all instances start anew in new ones.
 * INVARIANT: a hook that failed has no instance until it is re-armed, and then gets a fresh one.
 */
export class Instances {
  readonly #parts: InstancesParts;
  readonly #loaded = new Set<string>();
  /** Instructions that loading took, by hook. */
  readonly #fuel = new Map<string, number>();
  readonly #held = new Map<Tier, Held>();
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

  /** Whether there is a host that is this one's. */
  get holds(): boolean {
    return this.#held.size > 0;
  }

  /** Loads the hooks for the first time, or says in the journal that there are none. */
  async start(): Promise<void> {
    const [hook] = this.#parts.hooks;
    if (hook === undefined) this.#record();
    else await this.ready(hook.tier);
  }

  /** A live host with an instance of every hook of this tier that has not failed; those of the other tiers are ready too. */
  async ready(tier: Tier): Promise<HookHost> {
    for (;;) {
      await this.#open();
      if (this.#missing().length > 0) {
        await this.#load();
        this.#record();
      }
      const held = this.#held.get(tier);
      if (held) return held.host;
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

  /** Kills the hosts; all instances are gone, and start anew in the next ones. */
  async close(): Promise<void> {
    const hosts = [...this.#held.values()].map(({ host }) => host);
    this.#held.clear();
    for (const hook of [...this.#loaded]) this.discard(hook);
    await Promise.all(hosts.map((host) => host.kill()));
  }

  #missing(): PinnedHook[] {
    return this.#parts.hooks.filter((hook) => !this.#loaded.has(hook.name) && !this.#parts.failures.get(hook.name));
  }

  /** The hosts that are there, unless one of them died while nobody asked it anything: then the next ones. */
  async #open(): Promise<void> {
    const { journal, level, hooks, hosts, deadlines, signal } = this.#parts;
    for (const { host, generation } of this.#held.values()) {
      try {
        await journal.faultable({ host: `${level}/${generation}` }, () => mustLive(host));
      } catch (error) {
        if (!(error instanceof HostFault)) throw error;
        await this.close();
        break;
      }
    }
    for (const tier of new Set(hooks.map((hook) => hook.tier))) {
      if (this.#held.has(tier)) continue;
      this.#generation += 1;
      const generation = this.#generation;
      const nested = this.#parts.holding();
      const host = await hosts.open({ deadlines, tier, nested, ...(signal === undefined ? {} : { signal }) });
      this.#held.set(tier, { host, generation });
    }
  }

  async #load(): Promise<void> {
    const { journal, failures, level } = this.#parts;
    for (const hook of this.#missing()) {
      const held = this.#held.get(hook.tier);
      if (held === undefined) throw new BugError({ code: "no-host", message: `no hook host is ${hook.tier}` });
      const instance = `${level}/${held.generation}/${hook.name}`;
      try {
        const loaded = await journal.faultable({ load: instance }, async () =>
          held.host.load({ hook, bytes: await this.#parts.component(hook), seed: this.#parts.seed(instance) }),
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
          ...(hook.signer === null ? {} : { signer: { ...hook.signer } }),
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

function mustLive({ fault }: HookHost): Promise<void> {
  if (fault === undefined) return Promise.resolve();
  return Promise.reject(new HostFault(fault.fault, undefined, `while it was idle: ${fault.message}`));
}
