const text = process.env.PINION_SEED ?? "";

/** The seed of every property test of this run: `fc.assert(property, { seed, numRuns: runs(100, 10_000) })`. */
export const seed = Number(text);
if (!/^\d{1,10}$/.test(text)) throw new Error(`expected PINION_SEED to be a whole number, found \`${text}\``);

/** How often to try a property: `small` in `npm test`, `full` in `npm run soak`. */
export function runs(small: number, full: number): number {
  return process.env.PINION_SOAK === "1" ? full : small;
}
