/** Candidates measured side by side in one process: A B C A B C …, so that what the machine does meanwhile hits all alike. */
export interface Candidate {
  readonly name: string;
  /** One single call. */
  readonly call: () => unknown;
}

export interface Measured {
  readonly name: string;
  /** ms of single calls, sorted. */
  readonly times: readonly number[];
}

/** Calls every candidate `warmUp + rounds` times in turn and keeps the times of the last `rounds`. */
export async function interleaved(
  candidates: readonly Candidate[],
  rounds: number,
  warmUp: number,
): Promise<Measured[]> {
  const times = candidates.map((): number[] => []);
  for (let round = 0; round < warmUp + rounds; round += 1) {
    for (const [index, { call }] of candidates.entries()) {
      const start = performance.now();
      const result = call();
      if (result instanceof Promise) await result;
      const time = performance.now() - start;
      if (round >= warmUp) times[index]?.push(time);
    }
  }
  return candidates.map(({ name }, index) => ({ name, times: (times[index] ?? []).toSorted((a, b) => a - b) }));
}

export function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
}

export const p50 = ({ times }: Measured): number => quantile(times, 0.5);
export const p99 = ({ times }: Measured): number => quantile(times, 0.99);

export function ms(value: number): string {
  return value < 1 ? `${(value * 1000).toFixed(1)} µs` : `${value.toFixed(2)} ms`;
}

export function say(what: string, value: string): void {
  console.log(`${what.padEnd(64)} ${value}`);
}

/** One line for a candidate: p50, p99. */
export function report(measured: Measured): void {
  say(measured.name, `p50 ${ms(p50(measured)).padStart(10)}   p99 ${ms(p99(measured)).padStart(10)}`);
}
