import { opendirSync } from "node:fs";
import type { DirectoryEntry, Listing } from "./directory.ts";
import { failure } from "./failure.ts";
import { byCodeUnit, parsePath } from "./path.ts";
import { type Descriptor, kindOf, look } from "./walk.ts";

/** Lists an open directory. Fails with `too-many` beyond `limit` entries, since a part of an unsorted directory is not repeatable. */
export function listDirectory(directory: Descriptor, path: string, limit: number): Listing {
  const names = readNames(directory, path, limit);
  const entries: DirectoryEntry[] = [];
  let unnameable = 0;
  for (const raw of names) {
    const name = spell(raw);
    const stats = name === undefined ? undefined : look(directory, name);
    if (name === undefined) unnameable += 1;
    else if (stats !== undefined) entries.push({ name, kind: kindOf(stats), size: Number(stats.size) });
  }
  return { entries: entries.sort((left, right) => byCodeUnit(left.name, right.name)), unnameable };
}

function readNames(directory: Descriptor, path: string, limit: number): readonly Buffer[] {
  // Node takes the encoding "buffer" for names, which its types leave out.
  const handle = opendirSync(`/proc/self/fd/${directory.fd}`, { encoding: "buffer" as BufferEncoding });
  try {
    const names: Buffer[] = [];
    for (let entry = handle.readSync(); entry !== null; entry = handle.readSync()) {
      if (names.length === limit) {
        throw failure("too-many", path, `the directory has more than ${limit} entries; name a smaller one`);
      }
      names.push(Buffer.from(entry.name));
    }
    return names;
  } finally {
    handle.closeSync();
  }
}

/** The name as text, if a path can spell it. */
function spell(raw: Buffer): string | undefined {
  try {
    const name = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(raw);
    parsePath(name);
    return name;
  } catch {
    return undefined;
  }
}
