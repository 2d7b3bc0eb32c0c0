import { readSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";

// What the system says of a size binds nobody: devices and pipes have none, and files grow.

const PIECE_BYTES = 256 * 1024;

/** Reads on to the end. Undefined when there are more than `limit` bytes; one more is read, never two. */
export function readAtMost(fd: number, limit: number): Uint8Array | undefined {
  const pieces: Uint8Array[] = [];
  let total = 0;
  while (total <= limit) {
    const piece = Buffer.allocUnsafe(Math.min(PIECE_BYTES, limit + 1 - total));
    const count = readSync(fd, piece, 0, piece.length, null);
    if (count === 0) return Buffer.concat(pieces);
    pieces.push(piece.subarray(0, count));
    total += count;
  }
  return undefined;
}

/** The same without blocking. `size` is how many bytes are expected: these are read at once. The handle stays open. */
export async function readFileAtMost(file: FileHandle, size: number, limit: number): Promise<Uint8Array | undefined> {
  const pieces: Uint8Array[] = [];
  let total = 0;
  while (total <= limit) {
    const piece = Buffer.allocUnsafe(Math.min(Math.max(size - total, PIECE_BYTES), limit + 1 - total));
    const { bytesRead } = await file.read(piece, 0, piece.length, null);
    if (bytesRead === 0) return Buffer.concat(pieces);
    pieces.push(piece.subarray(0, bytesRead));
    total += bytesRead;
  }
  return undefined;
}
