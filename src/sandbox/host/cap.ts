import { Buffer } from "node:buffer";
import { type Reader, sections } from "../wasm/reader.ts";

/** What a core module may grow to: memory in pages of 64 KiB, tables in entries. */
export interface Caps {
  readonly memoryPages: number;
  readonly tableEntries: number;
}

export interface Capped {
  readonly bytes: Uint8Array;
  /** How many memories an instance of the module has of its own. */
  readonly memories: number;
  readonly tables: number;
}

/** A module wants more from the start than it may ever have. */
export class OverCap extends Error {}

const TABLES = 4;
const MEMORIES = 5;

/**
 * Rewrites a valid core module so that its own memories and tables cannot grow past the caps: their maximum becomes the
 * smaller of the two. Growing further then fails inside the guest, at the same call on every machine.
 * Throws `OverCap` when what it starts with is already more.
 */
export function capModule(bytes: Uint8Array, caps: Caps): Capped {
  const parts: Uint8Array[] = [bytes.subarray(0, 8)];
  let memories = 0;
  let tables = 0;
  sections(bytes, (id, content) => {
    let body = content.bytes();
    if (id === MEMORIES) {
      const items: number[] = [];
      memories += content.each(() => items.push(...cappedLimits(content, caps.memoryPages, "memoryPages")));
      body = Uint8Array.from([...leb(memories), ...items]);
    } else if (id === TABLES) {
      const items: number[] = [];
      tables += content.each(() =>
        items.push(content.byte(), ...cappedLimits(content, caps.tableEntries, "tableEntries")),
      );
      body = Uint8Array.from([...leb(tables), ...items]);
    }
    parts.push(Uint8Array.from([id, ...leb(body.length)]), body);
  });
  return { bytes: Buffer.concat(parts), memories, tables };
}

function cappedLimits(reader: Reader, cap: number, name: string): number[] {
  const bounded = reader.byte() === 1;
  const least = reader.u32();
  const most = bounded ? reader.u32() : cap;
  if (least > cap) throw new OverCap(`\`${name}\`: allowed ${cap}, used ${least}`);
  return [1, ...leb(least), ...leb(Math.min(most, cap))];
}

function leb(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  bytes.push(rest);
  return bytes;
}
