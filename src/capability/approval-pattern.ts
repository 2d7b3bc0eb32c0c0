import { canonicalJson } from "../model/canonical.ts";
import { isJsonObject, type Json } from "../model/json.ts";
import type { PreTool } from "../model/payload.ts";
import { hostOf, pathsOf } from "./approvals.ts";
import { domainMatches } from "./domains.ts";
import { segmentsOf } from "./files.ts";
import { matches } from "./glob.ts";
import { wrapperIn } from "./review/wrappers.ts";

/**
 * What a person approves besides the action itself, in the form that the tool has for it: a command line for `process.run`, a path
 * for file tools, a domain for `http.fetch`. What a pattern does not speak of stays as it was approved.
 */

/** Why a pattern may not be approved with this call; undefined when it may. */
export function wrongPattern(pattern: Json, approved: PreTool): string | undefined {
  const { tool, arguments: named } = approved.call;
  if (tool === "process.run") return wrongArgv(pattern, approved);
  if (pathsOf(tool, named) !== undefined) {
    const fits = typeof pattern === "string" && isGlob(pattern);
    if (!fits) return "expected a path, where `*` stands for any part of one name and `**` for any number of folders";
    return covers(pattern, approved, approved) ? undefined : "the pattern does not cover the action itself";
  }
  if (tool === "http.fetch") {
    const fits = typeof pattern === "string" && /^(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)+$/.test(pattern);
    if (!fits) return "expected a domain, or `*.` and a domain";
    return covers(pattern, approved, approved) ? undefined : "the pattern does not cover the action itself";
  }
  return `there are no patterns of \`${tool}\``;
}

/** Whether a pattern that was approved with one call covers another. */
export function covers(pattern: Json, approved: PreTool, asked: PreTool): boolean {
  const { tool, origin, arguments: named } = asked.call;
  if (tool !== approved.call.tool || origin !== approved.call.origin || asked.resolution.problem !== undefined)
    return false;
  if (tool === "process.run") {
    const fixed = (one: PreTool): string => canonicalJson(fixedOf(one, leavesOpen(pattern)));
    return argvCovers(pattern, named.argv) && fixed(asked) === fixed(approved);
  }
  const paths = pathsOf(tool, named);
  if (paths !== undefined) {
    return typeof pattern === "string" && paths.every((path) => matches(segmentsOf(pattern), segmentsOf(path)));
  }
  const host = hostOf(named.url);
  if (tool !== "http.fetch" || typeof pattern !== "string" || host === undefined) return false;
  return domainMatches(pattern, host) && canonicalJson(exchangeOf(asked)) === canonicalJson(exchangeOf(approved));
}

/**
 * Everything of a command but its words: the executable with its digest, the environment, … Where a word is open, other files are named;
 * where none is, those that are named stay as they were, so that nobody runs another script under the name of the one that was approved.
 */
function fixedOf(
  { call, resolution, agent: _, step: __, usage: ___, leases: ______, ...rest }: PreTool,
  isOpen: boolean,
): Json {
  const { argv: ____, ...named } = call.arguments;
  const { named: files = [], ...resolved } = resolution;
  return { ...rest, named, resolved, files: isOpen ? [] : files };
}

/** Whether a pattern for commands has words that stand for others. */
export function leavesOpen(pattern: Json): boolean {
  return isArgv(pattern) && pattern.some((word) => word === "*" || word === "**");
}

/** Everything of an exchange but where it goes to: how, with what, and by which scheme and port. */
function exchangeOf({ call, agent: _, step: __, usage: ___, leases: _____, resolution: ____, ...rest }: PreTool): Json {
  const { url, ...named } = call.arguments;
  const { protocol = "", port = "" } = (typeof url === "string" && URL.parse(url)) || {};
  return { ...rest, named, protocol, port };
}

/** A word that a pattern leaves open never covers an option: many commands have one that runs another. */
function argvCovers(pattern: Json, argv: Json | undefined): boolean {
  if (!isArgv(pattern) || !isArgv(argv)) return false;
  const open = pattern.at(-1) === "**";
  const fixed = open ? pattern.slice(0, -1) : pattern;
  if (open ? argv.length < fixed.length : argv.length !== fixed.length) return false;
  return argv.every((word, index) => {
    const part = fixed[index];
    return part === undefined || part === "*" ? !word.startsWith("-") : part === word;
  });
}

function wrongArgv(pattern: Json, approved: PreTool): string | undefined {
  if (!isArgv(pattern) || pattern.length === 0) return "expected the words of a command, where `*` stands for one word";
  const [command = "", ...words] = pattern;
  if (command === "*" || command === "**") return "the command itself cannot be left open";
  if (pattern.slice(0, -1).includes("**")) return "`**` can only be the last word";
  for (const name of namesOf(approved, command)) {
    const why = wrapperIn([name, ...words]);
    if (why !== undefined) return `${why}, so none of its words can be left open`;
  }
  return covers(pattern, approved, approved) ? undefined : "the pattern does not cover the action itself";
}

/** A command as it is called, and what is executed for it. */
function namesOf({ resolution: { executable } }: PreTool, command: string): readonly string[] {
  const path = isJsonObject(executable) && typeof executable.path === "string" ? executable.path : "";
  return [command, path.slice(path.lastIndexOf("/") + 1)];
}

function isArgv(value: Json | undefined): value is readonly string[] {
  return Array.isArray(value) && value.every((word) => typeof word === "string");
}

function isGlob(pattern: string): boolean {
  const fits = (segment: string): boolean =>
    segment !== "" && segment !== "." && segment !== ".." && (segment === "**" || !segment.includes("**"));
  return pattern.length <= 1024 && !/[\\?[\]{}\p{Cc}]/u.test(pattern) && pattern.split("/").every(fits);
}
