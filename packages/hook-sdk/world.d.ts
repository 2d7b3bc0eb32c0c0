/**
 * What a hook may import, as `wit/hook.wit` says, in the types that JavaScript sees: `u64` is a number, and must be given as
 * one (a BigInt traps). Each function throws when the host refuses. `host.ts` and `files.ts` wrap them with JSON and plain errors.
 */
declare module "pinion:hook/host@1.0.0" {
  export function emitEvent(kind: string, data: string): void;
  export function readCapsule(kind: string): string | null | undefined;
  export function writeCapsule(kind: string, value: string): void;
  export function requestToolCall(tool: string, args: string): string;
  export function requestApproval(request: string): void;
  export function random(length: number): Uint8Array;
  export function now(): number;
  export function sleep(milliseconds: number): void;
}

declare module "pinion:hook/files@1.0.0" {
  export interface Entry {
    readonly name: string;
    readonly kind: "file" | "directory" | "other";
    readonly size: number;
  }
  export function openRoot(name: string): string;
  export function openDirectory(directory: string, path: string): string;
  export function list(directory: string, path: string): Entry[];
  export function stat(directory: string, path: string): Entry;
  export function read(directory: string, path: string, offset: number, length: number): Uint8Array;
  export function write(directory: string, path: string, data: Uint8Array): void;
  export function createDirectory(directory: string, path: string): void;
  export function remove(directory: string, path: string): void;
  export function rename(directory: string, source: string, target: string): void;
}

declare module "pinion:hook/leases@1.0.0" {
  export function request(capability: string): string;
}

/** In the world `trusted-hook` only. */
declare module "pinion:hook/minting@1.0.0" {
  export function mint(holder: string, capability: string): string;
  export function attenuate(lease: string, capability: string): string;
  export function delegate(lease: string, holder: string, capability: string): string;
  export function revoke(lease: string): void;
}

/** A hook has neither; `prelude.ts` makes them errors that say what to call instead. */
interface Performance {
  now(): never;
}
declare var performance: Performance;
