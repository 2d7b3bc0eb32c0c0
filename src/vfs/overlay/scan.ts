import { listDirectory } from "../listing.ts";
import { type Descriptor, descend, kindOf, look } from "../walk.ts";
import type { Held } from "./tree.ts";

export interface Scanned {
  /** From the directory that was scanned, with the name of what was scanned first. */
  readonly path: readonly string[];
  readonly held: Held;
}

/** Everything at a name of an open directory and below it, what is above first. Links are not followed. */
export function* scan(parent: Descriptor, name: string): Generator<Scanned> {
  const stats = look(parent, name);
  if (stats === undefined) return;
  const kind = kindOf(stats);
  yield { path: [name], held: { kind, size: kind === "file" ? Number(stats.size) : 0 } };
  if (kind !== "directory") return;
  using directory = descend(parent.fd, [name]);
  for (const { path, held } of scanAll(directory)) yield { path: [name, ...path], held };
}

/** Everything below an open directory. */
export function* scanAll(directory: Descriptor): Generator<Scanned> {
  for (const { name } of listDirectory(directory, ".", Number.MAX_SAFE_INTEGER).entries) {
    yield* scan(directory, name);
  }
}
