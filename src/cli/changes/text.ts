import { visible } from "../visible.ts";

/** Characters of a line that are shown. */
const WIDTH = 1_000;

/** A line of a file, one character a byte, for people: decoded, harmless to a terminal, of bounded length. */
export function shownLine(line: string): string {
  const bytes = Buffer.from(line.slice(0, 4 * WIDTH), "latin1");
  const text = visible(decoded(bytes, line.length > bytes.length));
  if (text.length <= WIDTH && line.length === bytes.length) return text;
  return `${text.slice(0, WIDTH).replace(/[\ud800-\udbff]$/, "")}… (a line of ${line.length} bytes)`;
}

/** Bytes that are no UTF-8 are shown one by one. `cut`: the last character may not be whole. */
function decoded(bytes: Uint8Array, cut: boolean): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes, { stream: cut });
  } catch {
    return [...bytes].map((byte) => (byte < 0x80 ? String.fromCharCode(byte) : `\\x${byte.toString(16)}`)).join("");
  }
}

/** `1.2 KB`, in powers of 1,000. */
export function shownSize(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  const exponent = Math.min(4, Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** exponent;
  return `${value >= 99.95 ? Math.round(value) : value.toFixed(1)} ${["B", "KB", "MB", "GB", "TB"][exponent]}`;
}
