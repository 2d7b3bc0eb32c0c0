import { isAbsolute, posix } from "node:path";
import type { JsonObject } from "../../model/json.ts";
import { ToolError } from "../../model/tool.ts";
import { contentOf, WHOLE_BYTES } from "../files/facts.ts";
import type { Authority, Workspace } from "../ports.ts";

/** Bytes of all named files of one command that are read to name them by digest; what goes beyond is named by its stamp. */
const READ_BYTES = 4 * WHOLE_BYTES;
/** As many as the kernel follows (path_resolution(7)). */
const LINKS = 40;
/** Parts of words that are looked up; that there were more is said. */
const MOST = 10_000;
/** What stands between the words of a shell, and what tools put in front of a path: `@args`, `name=path`, `path:line`. */
const BETWEEN = /[\s;&|<>(){}[\]"'`$=,:@]+/;

interface Place {
  readonly workspace: Workspace;
  readonly authority: Authority;
  /** The working directory, relative to the workspace. */
  readonly cwd: string;
  /** Absolute paths under which the command finds the workspace. */
  readonly roots: readonly string[];
}

/**
 * The files of the workspace that a command line names, in the order of its words: words, and parts of them (a script for `sh -c` has
 * words of its own; an option may have a path behind it), that are paths to something that exists from the working directory. Links
 * are followed within the workspace. What a program reads besides is not known here.
 */
export function namedFiles(argv: readonly string[], place: Place): readonly JsonObject[] {
  const found = new Map<string, JsonObject>();
  let left = READ_BYTES;
  const parts = [...new Set(argv.slice(1).flatMap(partsOf))];
  for (const word of parts.slice(0, MOST)) {
    const path = inWorkspace(word, place);
    if (path === undefined || found.has(path)) continue;
    const { facts, bytes } = factsOf(path, place, left);
    left -= bytes;
    if (facts !== undefined) found.set(path, { path, ...facts });
  }
  const more = parts.length - MOST;
  return [...found.values(), ...(more > 0 ? [{ notLookedUp: more }] : [])];
}

function partsOf(word: string): readonly string[] {
  const value = /^[^=/]+=(.+)$/s.exec(word)?.[1];
  const parts = word.split(BETWEEN).filter((part) => part !== "");
  const behind = parts.flatMap((part) => /^-[A-Za-z](.+)$/s.exec(part)?.[1] ?? []);
  return [word, ...(value === undefined ? [] : [value]), ...parts, ...behind];
}

/** Relative to the workspace; undefined for what lies outside, and for the workspace itself. */
function inWorkspace(word: string, { roots, cwd }: Place): string | undefined {
  const root = roots.find((one) => word.startsWith(`${one}/`));
  if (root === undefined && isAbsolute(word)) return undefined;
  const path = posix.normalize(root === undefined ? posix.join(cwd, word) : word.slice(root.length + 1));
  return path === "." || path === ".." || path.startsWith("../") ? undefined : path.replace(/\/$/, "");
}

function factsOf(
  path: string,
  place: Place,
  left: number,
): { readonly facts: JsonObject | undefined; readonly bytes: number } {
  try {
    const links: string[] = [];
    const target = follow(path, place, links);
    const through = links.length === 0 ? {} : { links };
    if (target === undefined) return { facts: links.length === 0 ? undefined : through, bytes: 0 };
    const { kind, size, stamp } = place.workspace.stat(target);
    if (kind !== "file") return { facts: links.length === 0 ? undefined : { kind, ...through }, bytes: 0 };
    if (!place.authority.file("read", target).allow || size > left)
      return { facts: { kind, stamp, ...through }, bytes: 0 };
    const file = place.workspace.openFile(target);
    try {
      const { facts, whole } = contentOf(file);
      return { facts: { ...facts, ...through }, bytes: whole?.length ?? 0 };
    } finally {
      file.close();
    }
  } catch (error) {
    // Not there, no name that a path may have, or nothing that may be opened: no file of the workspace.
    if (error instanceof ToolError) return { facts: undefined, bytes: 0 };
    throw error;
  }
}

/** Where a path leads to when links are followed; undefined where that is outside. `links` gets each of them. */
function follow(path: string, { workspace }: Place, links: string[]): string | undefined {
  let done: readonly string[] = [];
  let rest = path.split("/");
  for (let next = rest[0]; next !== undefined; next = rest[0]) {
    const here = [...done, next].join("/");
    const { kind } = workspace.stat(here);
    rest = rest.slice(1);
    if (kind !== "link") {
      done = [...done, next];
      continue;
    }
    const target = workspace.link(here);
    links.push(`${here} -> ${target}`);
    if (links.length > LINKS || isAbsolute(target)) return undefined;
    const led = posix.normalize(posix.join(done.join("/"), target, ...rest));
    if (led === "." || led === ".." || led.startsWith("../")) return undefined;
    done = [];
    rest = led.replace(/\/$/, "").split("/");
  }
  return done.join("/");
}
