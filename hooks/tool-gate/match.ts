import { fold, matches } from "../../src/capability/glob.ts";
import type { Json, JsonObject } from "../../src/model/json.ts";

/** What a rule says of one value; all of its parts must hold. */
export interface Condition {
  readonly equals?: Json;
  readonly oneOf?: readonly Json[];
  /** The value is a path (or a list of paths) below the workspace, each matched by one of these globs. */
  readonly paths?: readonly string[];
  /** The value is a command line, matched as a whole by one of these: `*` is one argument, a last `**` any number. */
  readonly argv?: readonly (readonly string[])[];
}

/** Rules that allow must be sure of what they see, rules that deny must not miss an alias of it. */
export type Side = "allow" | "deny";

/** Whether a value meets a condition. What cannot be judged (another type, a path such as `a/../b`) counts for denials only. */
export function meets(condition: Condition, value: Json, side: Side): boolean {
  if (condition.equals !== undefined && !same(condition.equals, value)) return false;
  if (condition.oneOf !== undefined && !condition.oneOf.some((one) => same(one, value))) return false;
  if (condition.paths !== undefined && !pathsMeet(condition.paths, value, side)) return false;
  if (condition.argv !== undefined && !argvMeets(condition.argv, value, side)) return false;
  return true;
}

/** Both sides come from canonical JSON, so equal values have equal texts. */
function same(left: Json, right: Json): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}

function pathsMeet(globs: readonly string[], value: Json, side: Side): boolean {
  const unclear = side === "deny";
  const paths = typeof value === "string" ? [value] : value;
  if (!isTexts(paths)) return unclear;
  const one = (path: string): boolean => {
    const segments = plain(path);
    if (segments === undefined) return unclear;
    return globs.some((glob) =>
      side === "deny" ? matches(glob.split("/").map(fold), segments.map(fold)) : matches(glob.split("/"), segments),
    );
  };
  return side === "deny" ? paths.some(one) : paths.length > 0 && paths.every(one);
}

/** The segments of a relative path, without `.`; undefined when it does not say plainly what it names. */
function plain(path: string): readonly string[] | undefined {
  const segments = (path.endsWith("/") ? path.slice(0, -1) : path).split("/").filter((segment) => segment !== ".");
  return segments.some((segment) => segment === "" || segment === ".." || /[\\\0]/.test(segment))
    ? undefined
    : segments;
}

function argvMeets(patterns: readonly (readonly string[])[], value: Json, side: Side): boolean {
  if (!isTexts(value)) return side === "deny";
  const lines = [value];
  const [program = "", ...rest] = value;
  if (side === "deny" && program.includes("/")) lines.push([program.slice(program.lastIndexOf("/") + 1), ...rest]);
  return patterns.some((pattern) => lines.some((line) => matches(pattern, line)));
}

function isTexts(value: Json): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

/** Names of tools and children: `*` is any characters of one part between dots, `**` any number of parts. */
export function nameMatches(pattern: string, name: string): boolean {
  return matches(pattern.split("."), name.split("."));
}

export function member(object: JsonObject, name: string): Json | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}
