import { deflateSync } from "node:zlib";

const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~";
/** Bytes of compressed data in a line. */
const LINE = 52;

/** Bytes as a `literal` of git's binary patches: size, then the deflated bytes in base 85, each line led by its length. Ends in an empty line. */
export function literalOf(bytes: Uint8Array): readonly string[] {
  const deflated = deflateSync(bytes);
  const lines = [`literal ${bytes.length}`];
  for (let at = 0; at < deflated.length; at += LINE) {
    const part = deflated.subarray(at, at + LINE);
    lines.push(lengthLetter(part.length) + base85(part));
  }
  return [...lines, ""];
}

/** `A` to `Z` for 1 to 26, `a` to `z` for 27 to 52. */
function lengthLetter(length: number): string {
  return String.fromCharCode(length <= 26 ? 64 + length : 70 + length);
}

/** Four bytes, the last ones padded with zeros, as five digits, the most significant first. */
function base85(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 4) {
    let value = 0;
    for (let index = 0; index < 4; index++) value = value * 256 + (bytes[at + index] ?? 0);
    let digits = "";
    for (let index = 0; index < 5; index++) {
      digits = (DIGITS[value % 85] ?? "") + digits;
      value = Math.floor(value / 85);
    }
    text += digits;
  }
  return text;
}
