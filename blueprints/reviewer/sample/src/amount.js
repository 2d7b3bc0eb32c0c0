/** Reads an amount such as `12.30` as whole cents. */
export function parseAmount(text) {
  const match = /^(\d+)\.(\d\d)$/.exec(text.trim());
  if (match === null) throw new RangeError(`not an amount: ${text}`);
  return Number(match[1]) * 100 + Number(match[2]);
}

/** Writes whole cents as an amount such as `12.30`. */
export function formatAmount(cents) {
  const digits = String(cents).padStart(3, "0");
  return `${digits.slice(0, -2)}.${digits.slice(-2)}`;
}
