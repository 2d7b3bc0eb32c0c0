import { type Capability, mostWithin, type Rate } from "./capability.ts";

/** What is used, or handed on, at once. */
export interface Amount {
  readonly uses: number;
  readonly bytes: number;
  readonly max: number;
  readonly rate?: Rate | undefined;
}

/** What is left of a lease; null where it is not bounded. */
export interface Left {
  readonly uses: number | null;
  readonly bytes: number | null;
  readonly max: number | null;
}

/** The books of one lease. */
export class Account {
  #uses: number | null;
  #bytes: number | null;
  #max: number | null;
  #rate: Rate | null;
  /** When it was used, by the run's own time, as far back as the rate looks. */
  #times: readonly number[] = [];

  constructor({
    uses = null,
    bytes = null,
    max = null,
    rate = null,
  }: { readonly [K in keyof Left]?: Left[K] } & { readonly rate?: Rate | null }) {
    this.#uses = uses;
    this.#bytes = bytes;
    this.#max = max;
    this.#rate = rate;
  }

  static of({ uses, bytes, max, rate }: Capability): Account {
    return new Account({ uses: uses ?? null, bytes: bytes ?? null, max: max ?? null, rate: rate ?? null });
  }

  copy(): Account {
    const copy = new Account({ ...this.left, rate: this.#rate });
    copy.#times = this.#times;
    return copy;
  }

  get left(): Left {
    return { uses: this.#uses, bytes: this.#bytes, max: this.#max };
  }

  get rate(): Rate | null {
    return this.#rate;
  }

  /** Why the amount cannot be had now, or undefined. `ran`: the run's own time in ms. */
  lacks({ uses, bytes, max, rate }: Amount, ran: number): string | undefined {
    if (this.#uses !== null && uses > this.#uses) return `\`uses\`: ${this.#uses} left`;
    if (this.#bytes !== null && bytes > this.#bytes) return `\`bytes\`: ${this.#bytes} left, ${bytes} asked for`;
    if (this.#max !== null && max > this.#max) return `\`max\`: ${this.#max} left`;
    if (this.#rate === null) return undefined;
    const moved = rate === undefined ? 0 : mostWithin(rate, this.#rate.ms);
    const now = rate === undefined ? uses : 0;
    if (this.#recent(ran).length + now + moved <= this.#rate.count) return undefined;
    return `\`rate\`: ${this.#rate.count} in ${this.#rate.ms} ms`;
  }

  /** Takes what `lacks` has found to be there. */
  take({ uses, bytes, max, rate }: Amount, ran: number): void {
    if (this.#uses !== null) this.#uses -= uses;
    if (this.#bytes !== null) this.#bytes -= bytes;
    if (this.#max !== null) this.#max -= max;
    if (this.#rate === null) return;
    // What is handed on with a rate is used elsewhere, and so no longer here.
    if (rate === undefined) this.#times = [...this.#recent(ran), ...Array<number>(uses).fill(ran)];
    else this.#rate = { ...this.#rate, count: this.#rate.count - mostWithin(rate, this.#rate.ms) };
  }

  /** Takes the bytes of a result, as many as there are left. False when they were too few. */
  spend(bytes: number): boolean {
    const left = this.#bytes;
    if (left === null) return true;
    this.#bytes = Math.max(0, left - bytes);
    return bytes <= left;
  }

  /** Uses that still count at `ran`: those less than the rate's time ago. */
  #recent(ran: number): readonly number[] {
    const { ms } = this.#rate ?? { ms: 0 };
    return this.#times.filter((time) => ran - time < ms);
  }
}
