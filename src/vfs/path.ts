import { ToolError } from "../model/tool.ts";

/** The longest path and the longest name that are accepted, in UTF-8 bytes. */
const PATH_BYTES = 4096;
const NAME_BYTES = 255;

/** C0 controls, DEL, C1 controls, and the characters that reorder or hide text on a screen. */
const UNSHOWABLE = /[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/u;

/**
 * The segments of a path below a directory; `.` is the directory itself and has none.
 *
 * Exactly one spelling of a path is accepted, so that the text that a gate or a person sees is the file that is opened:
 * no `..`, no `.` inside, no leading, trailing or doubled `/`, no backslash, no control or bidirectional characters,
 * no name that ends in a dot or a space. Percent signs are literal. Throws `ToolError("bad-path")`.
 */
export function parsePath(path: string): readonly string[] {
  if (path === ".") return [];
  if (path === "") throw badPath(path, "it is empty; the directory itself is `.`");
  if (!path.isWellFormed()) throw badPath("", "it contains half of a surrogate pair");
  if (Buffer.byteLength(path) > PATH_BYTES) {
    throw badPath(`${path.slice(0, 64)}…`, `it is longer than ${PATH_BYTES} bytes`);
  }
  if (UNSHOWABLE.test(path)) throw badPath(JSON.stringify(path), "it contains control or bidirectional characters");
  if (path.startsWith("/")) throw badPath(path, "it is absolute; write it relative to the workspace");
  if (path.includes("\\")) throw badPath(path, "it contains a backslash; folders are separated by `/`");
  const segments = path.split("/");
  for (const segment of segments) {
    const fault = segmentFault(segment);
    if (fault !== undefined) throw badPath(path, fault);
  }
  return segments;
}

function segmentFault(segment: string): string | undefined {
  if (segment === "") return "it has an empty segment; write single slashes, and none at the end";
  if (segment === "..") return "it contains `..`; nothing above the workspace can be named";
  if (segment === ".") return "it contains `.`; leave it out";
  if (/[. ]$/.test(segment)) return "a name ends in a dot or a space, which some systems drop";
  if (Buffer.byteLength(segment) > NAME_BYTES) return `a name is longer than ${NAME_BYTES} bytes`;
  return undefined;
}

function badPath(path: string, why: string): ToolError {
  return new ToolError("bad-path", `the path \`${path}\` is not accepted: ${why}`);
}

/** The reverse of `parsePath`. */
export function formatPath(segments: readonly string[]): string {
  return segments.length === 0 ? "." : segments.join("/");
}

/** Compares by UTF-16 code unit: the same order on every machine and in every locale. */
export function byCodeUnit(left: string, right: string): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}
