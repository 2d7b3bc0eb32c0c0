import { join } from "node:path";
import { type Digest, digestOf } from "../model/canonical.ts";
import { InputError, IntegrityError, WorldError } from "../model/errors.ts";
import {
  type HookHost,
  type HookHosts,
  HostFault,
  type HostLayer,
  type LoadRequest,
  type OpenRequest,
} from "../model/hook.ts";
import { ComponentCache } from "./cache.ts";
import { buildComponent, type Component } from "./component.ts";
import { Host } from "./host.ts";
import { layersAround } from "./layers.ts";
import { programs } from "./programs.ts";
import { Starting } from "./starting.ts";

export interface HookHostOptions {
  /** Path of the Node executable that runs hook hosts. */
  readonly node: string;
  readonly cacheDir: string;
  /** 32 bytes, a secret of this user: authenticates what is in the cache. */
  readonly cacheKey: Uint8Array;
  /** Blank processes that are started in advance. */
  readonly spares: number;
  /** Whether a spare that is taken is replaced; true when left out. */
  readonly restock?: boolean;
  /** Processes in use at a time; further `open`s wait, but for nested ones. 16 when left out. */
  readonly most?: number;
  /** ms for starting a process, and for compiling, instantiating and configuring one hook. 10,000 when left out. */
  readonly loadDeadlineMs?: number;
  /** ms from any beginning, never going back. */
  readonly clock: () => number;
  /** Flags of V8 for hook hosts, beside our own: for tests that compare compilers. */
  readonly flags?: readonly string[];
  /** One line for people. */
  readonly onWarning: (message: string) => void;
}

const LOAD_DEADLINE_MS = 10_000;

/**
 * Hook hosts: processes that run guests, one for a run and tier. Throws `InputError` for a key that is not 32 bytes long.
 * Linux is what is tested.
 */
export function createHookHosts(options: HookHostOptions): HookHosts {
  if (options.cacheKey.length !== 32) {
    throw new InputError({
      code: "cache-key",
      message: `the key of the component cache has ${options.cacheKey.length} bytes, expected 32`,
    });
  }
  return new Pool(options);
}

/** What confines a hook host, looked at in one that is started for it and killed; empty when it does not come up. */
export async function probeLayers(node: string): Promise<readonly HostLayer[]> {
  const starting = new Starting(node, LOAD_DEADLINE_MS);
  const layers = await layersOf(starting);
  await starting.kill();
  return layers;
}

interface Waiting {
  readonly admit: (starting: Starting) => void;
  readonly refuse: (reason: Error) => void;
}

/**
 * INVARIANT: who waits holds no host, and who holds one does not wait. So hosts in use are given back sooner or later, and
 * everybody gets a turn, first come first served. Hosts of nested opens count, but go beyond the number where they must.
 */
class Pool implements HookHosts {
  readonly #options: HookHostOptions;
  readonly #cache: ComponentCache;
  readonly #building = new Map<Digest, Promise<Component>>();
  readonly #alive = new Set<Starting>();
  readonly #waiting = new Set<Waiting>();
  readonly #spares: Starting[] = [];
  readonly #closing = new AbortController();
  #layers: Promise<readonly HostLayer[]> | undefined;

  constructor(options: HookHostOptions) {
    this.#options = options;
    this.#cache = new ComponentCache({
      directory: join(options.cacheDir, "components"),
      key: options.cacheKey,
      maker: programs().maker,
      onWarning: options.onWarning,
    });
    this.#stock();
  }

  async open({ deadlines, tier = "sandboxed", nested = false, signal }: OpenRequest): Promise<HookHost> {
    if (this.#closing.signal.aborted) throw closed();
    const turn = nested || (this.#waiting.size === 0 && this.#isFree);
    const starting = turn ? this.#take() : await this.#queue(signal);
    const process = await starting.ready;
    return new Host({
      process,
      tier,
      deadlines,
      clock: this.#options.clock,
      loadDeadlineMs: this.#loadDeadlineMs,
      component: (request) => this.#component(request),
    });
  }

  layers(): Promise<readonly HostLayer[]> {
    this.#layers ??= this.#look();
    return this.#layers;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    for (const { refuse } of this.#waiting) refuse(closed());
    this.#waiting.clear();
    await Promise.all([...this.#alive].map((starting) => starting.kill()));
    await Promise.allSettled(this.#building.values());
  }

  get #loadDeadlineMs(): number {
    return this.#options.loadDeadlineMs ?? LOAD_DEADLINE_MS;
  }

  get #isFree(): boolean {
    return this.#alive.size - this.#spares.length < (this.#options.most ?? 16);
  }

  #take(): Starting {
    const starting = this.#spares.shift() ?? this.#start();
    starting.hold(true);
    if (this.#options.restock !== false) this.#stock();
    return starting;
  }

  #queue(signal: AbortSignal | undefined): Promise<Starting> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#waiting.delete(waiting);
        reject(interrupted());
      };
      const settled = () => signal?.removeEventListener("abort", leave);
      const waiting: Waiting = {
        admit: (starting) => {
          settled();
          resolve(starting);
        },
        refuse: (reason) => {
          settled();
          reject(reason);
        },
      };
      if (signal?.aborted) return leave();
      signal?.addEventListener("abort", leave);
      this.#waiting.add(waiting);
    });
  }

  #admit(): void {
    for (const waiting of this.#waiting) {
      if (!this.#isFree) return;
      this.#waiting.delete(waiting);
      waiting.admit(this.#take());
    }
  }

  #stock(): void {
    while (!this.#closing.signal.aborted && this.#spares.length < this.#options.spares)
      this.#spares.push(this.#start());
  }

  #start(): Starting {
    const starting = new Starting(this.#options.node, this.#loadDeadlineMs, this.#options.flags);
    starting.hold(false);
    this.#alive.add(starting);
    void starting.gone.then(() => {
      this.#alive.delete(starting);
      const spare = this.#spares.indexOf(starting);
      if (spare >= 0) this.#spares.splice(spare, 1);
      if (!this.#closing.signal.aborted) this.#admit();
    });
    return starting;
  }

  async #look(): Promise<readonly HostLayer[]> {
    let [starting] = this.#alive;
    if (starting === undefined) {
      starting = this.#start();
      this.#spares.push(starting);
    }
    return layersOf(starting);
  }

  /** From the cache, or built; once for all who ask at the same time. */
  async #component({ hook, bytes }: LoadRequest): Promise<Component> {
    const digest = digestOf(bytes);
    if (digest !== hook.component) {
      throw new IntegrityError({
        code: "component-digest",
        message: `the component of hook \`${hook.name}\` has the digest \`${digest}\`, its manifest says \`${hook.component}\``,
      });
    }
    const building =
      this.#building.get(digest) ?? this.#build(digest, bytes).finally(() => this.#building.delete(digest));
    this.#building.set(digest, building);
    try {
      return await building;
    } catch (error) {
      if (!(error instanceof HostFault)) throw error;
      throw new HostFault(error.fault, hook.name, `while the component was read: ${error.message}`);
    }
  }

  async #build(digest: Digest, bytes: Uint8Array): Promise<Component> {
    const cached = await this.#cache.read(digest);
    if (cached) return cached;
    const built = await buildComponent(this.#options.node, bytes, this.#closing.signal);
    if (built.ok) await this.#cache.write(digest, built);
    return built;
  }
}

async function layersOf(starting: Starting): Promise<readonly HostLayer[]> {
  const process = await starting.ready;
  return starting.started && !process.fault ? layersAround(starting.started) : [];
}

function closed(): HostFault {
  return new HostFault("host-died", undefined, "the hook hosts were closed");
}

function interrupted(): WorldError {
  return new WorldError({
    code: "host-wait-interrupted",
    message: "the run was interrupted while it waited for a hook host: as many as may be are in use",
    hint: "go on with it by `pinion run resume`",
  });
}
