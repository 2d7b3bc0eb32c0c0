import { formatAmount, parseAmount } from "./amount.js";
import { splitEvenly } from "./split.js";

/** Adds up the lines of a bill and says who pays what. `tip` is in percent, rounded up to a whole cent. */
export function settle({ lines, tip, people }) {
  const sum = lines.reduce((cents, line) => cents + parseAmount(line.price), 0);
  const total = sum + Math.ceil((sum * tip) / 100);
  const shares = splitEvenly(total, people.length);
  return {
    total: formatAmount(total),
    shares: people.map((name, i) => ({ name, pays: formatAmount(shares[i]) })),
  };
}
