import { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";

/**
 * A deterministic source of random bytes: HMAC-SHA256 over a big-endian 64-bit block counter, keyed with the seed.
 * It goes on over all calls of an instance. `seed` is 32 bytes in hexadecimal.
 */
export function randomSource(seed: string): (length: number) => Uint8Array {
  const key = Buffer.from(seed, "hex");
  let block = 0n;
  let rest = Buffer.alloc(0);
  return (length) => {
    const parts = [rest];
    for (let have = rest.length; have < length; have += 32) {
      const counter = Buffer.alloc(8);
      counter.writeBigUInt64BE(block++);
      parts.push(createHmac("sha256", key).update(counter).digest());
    }
    const all = Buffer.concat(parts);
    rest = all.subarray(length);
    return Uint8Array.prototype.slice.call(all, 0, length);
  };
}
