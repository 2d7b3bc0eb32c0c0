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

/** Whether a value meets a condition. */
export type Test = (value: Json) => boolean;

/**
 * Reads a condition once. What cannot be judged (another type, a path such as `a/../b`) meets it on the side of denials
 * only. Throws for a pattern that would not mean what it seems to.
 */
export function testOf(condition: Condition, side: Side): Test {
  const tests: Test[] = [];
  const { equals, oneOf, paths, argv } = condition;
  if (equals !== undefined) tests.push(oneOfTest([equals]));
  if (oneOf !== undefined) tests.push(oneOfTest(oneOf));
  if (paths !== undefined) tests.push(pathsTest(paths, side));
  if (argv !== undefined) tests.push(argvTest(argv, side));
  return (value) => tests.every((test) => test(value));
}

/** All values come from canonical JSON, so equal ones have equal texts. */
function oneOfTest(values: readonly Json[]): Test {
  const texts = values.map((value) => JSON.stringify(value));
  return (value) => texts.includes(JSON.stringify(value));
}

function pathsTest(globs: readonly string[], side: Side): Test {
  const unclear = side === "deny";
  const patterns = globs.map((glob) => segmentsOf(glob, side));
  const one = (path: string): boolean => {
    const segments = plain(path, side);
    return segments === undefined ? unclear : patterns.some((pattern) => matches(pattern, segments));
  };
  return (value) => {
    const list = typeof value === "string" ? [value] : value;
    if (!isTexts(list)) return unclear;
    return side === "deny" ? list.some(one) : list.length > 0 && list.every(one);
  };
}

/** Denials compare names as file systems might: without case, in one Unicode form. */
function segmentsOf(path: string, side: Side): readonly string[] {
  return (side === "deny" ? fold(path) : path).split("/");
}

/** The segments of a relative path, without `.`; undefined when it does not say plainly what it names. */
function plain(path: string, side: Side): readonly string[] | undefined {
  const whole = path.endsWith("/") ? path.slice(0, -1) : path;
  const segments = segmentsOf(whole, side).filter((segment) => segment !== ".");
  return /[\\\0]/.test(path) || segments.includes("") || segments.includes("..") ? undefined : segments;
}

function argvTest(patterns: readonly (readonly string[])[], side: Side): Test {
  for (const pattern of patterns) {
    // In the middle it would let anything stand before arguments that look checked.
    if (!pattern.slice(0, -1).includes("**")) continue;
    throw new Error(`argv pattern ${JSON.stringify(pattern)}: \`**\` may only be the last element`);
  }
  return (value) => {
    if (!isTexts(value)) return side === "deny";
    const lines = [value];
    const [program = "", ...rest] = value;
    if (side === "deny" && program.includes("/")) lines.push([program.slice(program.lastIndexOf("/") + 1), ...rest]);
    return patterns.some((pattern) => lines.some((line) => matches(pattern, line)));
  };
}

function isTexts(value: Json): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

/** Names of tools and children: `*` is any characters of one part between dots, `**` any number of parts. */
export function nameTest(patterns: readonly string[]): (name: string) => boolean {
  const parts = patterns.map((pattern) => pattern.split("."));
  return (name) => {
    const segments = name.split(".");
    return patterns.includes(name) || parts.some((pattern) => matches(pattern, segments));
  };
}

export function member(object: JsonObject, name: string): Json | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}
