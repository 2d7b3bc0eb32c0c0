import { readSync } from "node:fs";
import type { ComponentFacts } from "../inspect/inspect.ts";

/** The head of the one frame that the builder writes; the body holds the files, if any, the generated program first. */
export type Built =
  | {
      readonly ok: true;
      readonly world: string;
      readonly files: readonly { readonly name: string; readonly size: number }[];
    }
  | { readonly ok: true; readonly facts: ComponentFacts }
  | { readonly ok: false; readonly detail: string }
  | { readonly ok: false; readonly bug: string };

/** Everything up to the end of a pipe. */
export function readAll(fd: number): Uint8Array {
  const parts: Buffer[] = [];
  for (;;) {
    const part = Buffer.allocUnsafe(1 << 18);
    const length = readSync(fd, part);
    if (length === 0) return Buffer.concat(parts);
    parts.push(part.subarray(0, length));
  }
}
