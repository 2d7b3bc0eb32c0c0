import { InputError } from "../model/errors.ts";
import type { FileAction } from "../model/hook.ts";
import { fold, matches, mayMatchBelow } from "./glob.ts";
import type { Layer } from "./layer.ts";

/** A part of the workspace: one node (`deep: false`), or a directory and all below it. */
export interface Tree {
  readonly path: string;
  readonly deep: boolean;
}

/** The file rules of one layer, split and folded once. */
export interface FileRules {
  /** The index of the pattern of `filesystem.<action>` that allows the path, or -1. */
  allowedBy(action: FileAction, path: readonly string[]): number;
  /** The index of the pattern of `filesystem.deny` that denies the path or a directory above it, or -1. */
  deniedBy(path: readonly string[]): number;
  /** Whether something below the path could be denied explicitly. */
  deniesBelow(path: readonly string[]): boolean;
  /** The parts of the workspace that the layer allows as a whole. Patterns with wildcards inside say less and are left out. */
  trees(action: FileAction): readonly Tree[];
}

/** Throws `InputError` for a pattern that could not mean what it says. */
export function fileRules({ name, filesystem }: Layer): FileRules {
  const patterns = (field: "read" | "write" | "deny"): readonly (readonly string[])[] =>
    filesystem[field].map((pattern, index) => parsePattern(pattern, `${name}: filesystem.${field}[${index}]`));
  const allow = { read: patterns("read"), write: patterns("write") };
  // What is below a denied directory is denied with it.
  const deny = patterns("deny").map((pattern) => [...pattern.map(fold), "**"]);
  return {
    allowedBy: (action, path) => allow[action].findIndex((pattern) => matches(pattern, path)),
    deniedBy(path) {
      const folded = path.map(fold);
      return deny.findIndex((pattern) => matches(pattern, folded));
    },
    deniesBelow(path) {
      const folded = path.map(fold);
      return deny.some((pattern) => mayMatchBelow(pattern, folded));
    },
    trees: (action) => allow[action].flatMap(treeOf),
  };
}

/** The segments of a path or pattern; `.` is the workspace itself. */
export function segmentsOf(path: string): readonly string[] {
  return path === "." ? [] : path.split("/");
}

/** A pattern that matches nothing would be harmless among what is allowed, but a hole among what is denied. */
function parsePattern(pattern: string, where: string): readonly string[] {
  const segments = segmentsOf(pattern);
  const fault = segments.map(patternFault).find((found) => found !== undefined);
  if (fault === undefined) return segments;
  throw new InputError({
    code: "bad-pattern",
    message: `${where}: the pattern ${JSON.stringify(pattern)} ${fault}; expected a relative path with single slashes, \`*\` inside a name, or \`**\` as a whole name`,
  });
}

function patternFault(segment: string): string | undefined {
  if (segment === "" || segment === "." || segment === "..") return `has the segment \`${segment}\`, which no path has`;
  if (segment !== "**" && segment.includes("**")) return `has \`**\` inside the name \`${segment}\``;
  if (/[\\?[\]{}]|^!/.test(segment)) return "uses `\\`, `?`, `[`, `{` or `!`, which have no meaning here";
  return undefined;
}

function treeOf(pattern: readonly string[]): readonly Tree[] {
  const deep = pattern.at(-1) === "**";
  const segments = deep ? pattern.slice(0, -1) : pattern;
  if (segments.some((segment) => segment.includes("*"))) return [];
  return [{ path: segments.length === 0 ? "." : segments.join("/"), deep }];
}

/** What is in both: of two trees the inner one, if one is inside the other. */
export function intersectTrees(left: readonly Tree[], right: readonly Tree[]): readonly Tree[] {
  return left.flatMap((one) => right.flatMap((other) => inner(one, other)));
}

function inner(one: Tree, other: Tree): readonly Tree[] {
  if (one.path === other.path) return [{ path: one.path, deep: one.deep && other.deep }];
  if (contains(other, one)) return [one];
  return contains(one, other) ? [other] : [];
}

function contains(outer: Tree, candidate: Tree): boolean {
  return outer.deep && (outer.path === "." || candidate.path.startsWith(`${outer.path}/`));
}
