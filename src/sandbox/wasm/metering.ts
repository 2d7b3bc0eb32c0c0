/**
 * What metered code and its host agree on. Every metered core module imports three mutable globals, shared by all core
 * modules of an instance of a component:
 *
 * - `fuel` (i64): instructions that are left, times 2^20, plus the call depth. Negative: the fuel is used up. Depth counts
 *   up from `DEPTH_START` in slots of the stack; its bit 19 set: the calls are too deep.
 * - `pages`, `entries` (i32): how far all memories (in pages) and all tables (in entries) may still grow together. The sign
 *   bit is no part of the count: it is set when growing was denied.
 *
 * No module that comes from outside may import from `METER` (inspection refuses it).
 */
export const METER = "pinion:meter";
export const METER_GLOBALS = ["fuel", "pages", "entries"] as const;

export const DEPTH_BITS = 20;
/** The bit that is set when the calls are too deep. */
export const DEPTH_LIMIT = 2 ** (DEPTH_BITS - 1);
/** The deepest that calls may nest, in slots of 8 bytes. */
export const MAX_DEPTH = 400_000;
export const DEPTH_START = DEPTH_LIMIT - MAX_DEPTH;

/** What metered code leaves in `fuel` when the system has no memory for what the limits allow: no fault of the guest. */
export const SYSTEM_EXHAUSTED = -(2n ** 63n);

/** The largest fuel limit: what fits above the depth. */
export const MAX_FUEL = 2 ** 42;
