/** Shares of a total, in whole cents. */
export function splitEvenly(total, people) {
  if (!Number.isInteger(people) || people < 1) throw new RangeError(`not a number of people: ${people}`);
  return Array.from({ length: people }, () => Math.round(total / people));
}
