/**
 * What a child process is started with, as text on its command line: takes its program from its standard input, as one
 * frame whose head is a `Code`, and runs it. So it needs no files of Pinion's own, and a hook host may read none at all.
 */
import { readSync } from "node:fs";
import { registerHooks } from "node:module";
import type { Code } from "../programs.ts";

const { parse } = URL;
const { files, entry }: Code = JSON.parse(take(take(8).readUInt32LE(0)).toString());
registerHooks({
  resolve: (specifier, context, next) => {
    const url = parse(specifier, context.parentURL)?.href ?? specifier;
    if (Object.hasOwn(files, url)) return { url, format: "module", shortCircuit: true };
    return next(specifier, context);
  },
  load: (url, context, next) =>
    Object.hasOwn(files, url) ? { format: "module", source: files[url] ?? "", shortCircuit: true } : next(url, context),
});
await import(entry);

function take(size: number): Buffer {
  const bytes = Buffer.alloc(size);
  for (let have = 0; have < size; ) {
    const length = readSync(0, bytes, have, size - have, null);
    // Nobody wants this process any more.
    if (length === 0) process.exit(0);
    have += length;
  }
  return bytes;
}
