import { globSync, lstatSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { InputError } from "../model/errors.ts";

/** Most files, and most bytes of all together, that a hook may be shown with. */
const MOST_FILES = 64;
const MOST_BYTES = 768 * 1024;

/**
 * The source files in the folder of a hook and below it, in whatever language, as they are written: for people to read.
 * Links and what npm installed are left out. Throws `InputError` for too many, too large ones, and what is no UTF-8.
 */
export function sourceTexts(folder: string): Readonly<Record<string, string>> {
  const texts: [string, string][] = [];
  let bytes = 0;
  for (const path of globSync("**/*.{ts,js,c,h}", { cwd: folder, exclude: ["**/node_modules/**"] }).sort()) {
    const stat = lstatSync(join(folder, path), { throwIfNoEntry: false });
    if (stat?.isFile() !== true) continue;
    bytes += stat.size;
    if (texts.length >= MOST_FILES || bytes > MOST_BYTES) {
      throw new InputError({
        code: "too-many-sources",
        message: `the sources in \`${folder}\` are more than ${MOST_FILES} files or ${MOST_BYTES} bytes`,
        hint: "propose a folder that holds the hook and nothing else",
      });
    }
    texts.push([path, decoded(join(folder, path))]);
  }
  return Object.fromEntries(texts);
}

function decoded(file: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(readFileSync(file));
  } catch (cause) {
    throw new InputError({ code: "not-utf8", message: `\`${file}\` is not UTF-8`, cause });
  }
}
