/** What a hook may call, as `wit/hook.wit` says. Each call throws an `Error` when the host refuses it. */
declare module "pinion:hook/host@1.0.0" {
  /** Reports something. `data` is JSON text. */
  export function emitEvent(kind: string, data: string): void;
  /** The current capsule of a kind as JSON text, or undefined. */
  export function readCapsule(kind: string): string | undefined;
  /** Replaces the capsule of a kind; `value` is JSON text that fits its schema and byte budget. */
  export function writeCapsule(kind: string, value: string): void;
  /** Asks the kernel to make a tool call. `args` and the answer are JSON text. */
  export function requestToolCall(tool: string, args: string): string;
  /** Demands that a person approves what this boundary is about; until then the verdict counts as a block. */
  export function requestApproval(request: string): void;
  /** Cryptographically strong bytes, at most 1024 a call. */
  export function random(length: number): Uint8Array;
  /** The run's clock in ms since the epoch. */
  export function now(): bigint;
  /** Waits; the time counts against the deadline. */
  export function sleep(milliseconds: number): void;
}
