import { type Digest, digestOf } from "../model/canonical.ts";
import type { CheckKind, InputKind, Receipt } from "../model/entry.ts";
import { BugError, type PinionError } from "../model/errors.ts";
import type { Chain } from "./chain.ts";
import { NONCE_BYTES, type Seal } from "./seal.ts";
import type { Store } from "./store.ts";

/** Sealed bodies of more bytes are blobs beside the journal. */
export const BLOB_ABOVE = 64 * 1024;

interface Parts {
  readonly store: Store;
  readonly seal: Seal;
  /** ms since the epoch; may jump. */
  readonly clock: () => number;
  /** ms from any beginning, never going back. */
  readonly monotonic: () => number;
  /** Cryptographically strong bytes. */
  readonly random: (bytes: number) => Uint8Array;
  readonly cancel: AbortSignal;
}

/** An input as canonical JSON texts. */
interface Answered {
  readonly kind: InputKind;
  readonly ref: string;
  readonly request: string;
  readonly outcome: string;
}

/** The live end of a journal: seals, dates and appends. */
export class Present {
  readonly #parts: Parts;
  /** What `monotonic` showed when the run was not worked on yet at all, had it never stopped. */
  #began: number | undefined;
  /** What it showed when time stopped counting. */
  #stopped: number | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  get cancel(): AbortSignal {
    return this.#parts.cancel;
  }

  /** From here on time counts for the run, on top of `ran` ms. */
  begin(ran: number): void {
    this.#began ??= this.#monotonic() - ran;
  }

  /** Time stands still for the run during `work`. */
  async untimed<T>(work: () => Promise<T>): Promise<T> {
    const { monotonic } = this.#parts;
    const stopped = monotonic();
    this.#stopped = stopped;
    try {
      return await work();
    } finally {
      this.#stopped = undefined;
      if (this.#began !== undefined) this.#began += monotonic() - stopped;
    }
  }

  /** Before the world is asked: the store is alive and, before an effect, all that was appended is on disk. */
  async ready(effect: boolean): Promise<void> {
    this.#parts.store.mustBeAlive();
    if (effect) await this.#parts.store.flush();
  }

  check(chain: Chain, kind: CheckKind, body: string): Receipt {
    return this.#append(chain, chain.next(kind, body));
  }

  /** Dated not before the last input, whatever the clock says. */
  input(chain: Chain, { kind, ref, request, outcome }: Answered): Receipt {
    const { seal, random, clock } = this.#parts;
    const context = { seq: chain.count, kind, prev: chain.head };
    const { commit, bytes } = seal.close(context, `{"outcome":${outcome},"request":${request}}`, random(NONCE_BYTES));
    this.begin(chain.ran);
    const began = this.#began ?? 0;
    const times = {
      at: Math.max(chain.at, Math.trunc(clock())),
      ran: Math.max(chain.ran, Math.trunc(this.#monotonic() - began)),
    };
    if (bytes.length <= BLOB_ABOVE) {
      const sealed = bytes.toString("base64");
      return this.#append(chain, chain.next(kind, `{"commit":"${commit}","ref":${ref},"sealed":"${sealed}"}`, times));
    }
    const blob = { digest: digestOf(bytes), bytes };
    return this.#append(
      chain,
      chain.next(kind, `{"blob":"${blob.digest}","commit":"${commit}","ref":${ref}}`, times),
      blob,
    );
  }

  flush(): Promise<void> {
    return this.#parts.store.flush();
  }

  /** Nothing is appended any more: everything rejects with `cause`. */
  end(cause: PinionError): void {
    this.#parts.store.end(cause);
  }

  close(): Promise<void> {
    return this.#parts.store.close();
  }

  #monotonic(): number {
    return this.#stopped ?? this.#parts.monotonic();
  }

  #append(
    chain: Chain,
    { entry, line }: ReturnType<Chain["next"]>,
    blob?: { readonly digest: Digest; readonly bytes: Uint8Array },
  ): Receipt {
    if (chain.ended) {
      throw new BugError({ code: "run-ended", message: `\`${entry.kind}\` was appended after \`check.end\`` });
    }
    const head = digestOf(line);
    const reached = { count: entry.seq + 1, head, at: entry.at ?? chain.at };
    this.#parts.store.append({ line, reached, ...(blob ? { blob } : {}) });
    return chain.add(entry, head);
  }
}
