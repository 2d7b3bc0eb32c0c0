import type { Secrets } from "../ports.ts";

/** For runs without secrets, and for replays, which find them masked in the record. */
export const NO_SECRETS: Secrets = {
  value: () => undefined,
  mask: {
    reach: 0,
    bytes: (source, { from = 0, to = source.length } = {}) =>
      Buffer.from(source.buffer, source.byteOffset, source.byteLength).subarray(from, to),
    text: (text) => text,
    json: (value) => value,
  },
};
