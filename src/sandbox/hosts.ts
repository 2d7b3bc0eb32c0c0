import { join } from "node:path";
import { type Digest, digestOf } from "../model/canonical.ts";
import { InputError, IntegrityError } from "../model/errors.ts";
import { type HookHost, type HookHosts, HostFault, type LoadRequest } from "../model/hook.ts";
import { ComponentCache } from "./cache.ts";
import { buildComponent, type Component } from "./component.ts";
import { FROM_HOST } from "./host/wire.ts";
import { Host } from "./host.ts";
import { ConfinedProcess } from "./process.ts";
import { programs } from "./programs.ts";

export interface HookHostOptions {
  /** Path of the Node executable that runs hook hosts. */
  readonly node: string;
  readonly cacheDir: string;
  /** 32 bytes, a secret of this user: authenticates what is in the cache. */
  readonly cacheKey: Uint8Array;
  /** Blank processes that are kept ready. */
  readonly spares: number;
  /** Processes in use at a time; further `open`s wait. 16 when left out. */
  readonly most?: number;
  /** ms for compiling, instantiating and configuring one hook. 10,000 when left out. */
  readonly loadDeadlineMs?: number;
  /** Flags of V8 for hook hosts, beside our own: for tests that compare compilers. */
  readonly flags?: readonly string[];
  /** One line for people. */
  readonly onWarning: (message: string) => void;
}

/** Ceilings of V8 for the whole process, above what any hook may be allowed: 512 MiB a memory, 1 M entries a table. */
export const HOST_FLAGS = [
  "--wasm-max-mem-pages=8192",
  "--wasm-max-table-size=1000000",
  "--max-old-space-size=512",
  "--disallow-code-generation-from-strings",
];

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

class Pool implements HookHosts {
  readonly #options: HookHostOptions;
  readonly #cache: ComponentCache;
  readonly #building = new Map<Digest, Promise<Component>>();
  readonly #processes = new Set<ConfinedProcess>();
  readonly #waiting: (() => void)[] = [];
  #spares: ConfinedProcess[] = [];
  readonly #closing = new AbortController();

  constructor(options: HookHostOptions) {
    this.#options = options;
    this.#cache = new ComponentCache({
      directory: join(options.cacheDir, "components"),
      key: options.cacheKey,
      maker: programs().maker,
      onWarning: options.onWarning,
    });
    this.#restock();
  }

  async open({ deadlines }: { readonly deadlines: boolean }): Promise<HookHost> {
    while (!this.#closing.signal.aborted && this.#used >= (this.#options.most ?? 16)) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    if (this.#closing.signal.aborted) throw new HostFault("host-died", undefined, "the hook hosts were closed");
    const process = this.#spares.shift() ?? this.#spawn();
    process.hold(true);
    this.#restock();
    return new Host({
      process,
      deadlines,
      loadDeadlineMs: this.#options.loadDeadlineMs ?? 10_000,
      component: (request) => this.#component(request),
    });
  }

  async close(): Promise<void> {
    this.#closing.abort();
    for (const wake of this.#waiting.splice(0)) wake();
    await Promise.all([...this.#processes].map((process) => process.kill()));
    await Promise.allSettled(this.#building.values());
  }

  get #used(): number {
    return this.#processes.size - this.#spares.length;
  }

  #restock(): void {
    while (!this.#closing.signal.aborted && this.#spares.length < this.#options.spares)
      this.#spares.push(this.#spawn());
  }

  #spawn(): ConfinedProcess {
    const process = new ConfinedProcess({
      node: this.#options.node,
      ...programs().host,
      flags: [...HOST_FLAGS, ...(this.#options.flags ?? [])],
      bounds: FROM_HOST,
    });
    process.hold(false);
    this.#processes.add(process);
    void process.gone.then(() => {
      this.#processes.delete(process);
      this.#spares = this.#spares.filter((spare) => spare !== process);
      this.#waiting.shift()?.();
    });
    return process;
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
