import { InputError } from "../../model/errors.ts";
import type { Resource } from "../../model/lease.ts";
import { ACTIONS, type Capability, NUMBERS, type Rate } from "./capability.ts";
import { DEEP, type Pattern, type Segment } from "./pattern.ts";

const SCHEME = "capability://";
/** Limits of one capability: characters, segments of a path, `**` in it, patterns in `allow`. */
const MAX_TEXT = 4096;
const MAX_SEGMENTS = 64;
const MAX_DEEP = 4;
const MAX_ALLOW = 64;

/** What stands for itself; everything else is percent-encoded (RFC 3986 §2.1), as UTF-8 in upper-case hexadecimal. */
const PLAIN = /^[A-Za-z0-9\-._~:@+=!$'();]$/;

/**
 * Reads a capability in any spelling. `where` says where it stands, for the error. Throws `InputError` (`bad-capability`) for what
 * has no meaning, or could be read in two ways.
 */
export function parseCapability(text: string, where: string): Capability {
  const read = readCapability(text);
  if (!("wrong" in read)) return read;
  throw new InputError({
    code: "bad-capability",
    message: `${where}: \`${text.slice(0, 200)}\` is no capability: ${read.wrong}`,
    hint: "expected for example `capability://fs/workspace/src/**?action=read&uses=5`",
  });
}

/** The same for what a guest or an agent wrote: what is wrong is an answer. */
export function readCapability(text: string): Capability | { readonly wrong: string } {
  try {
    return read(text);
  } catch (error) {
    if (error instanceof Wrong) return { wrong: error.message };
    throw error;
  }
}

class Wrong extends Error {}

function read(text: string): Capability {
  if (text.length > MAX_TEXT) throw new Wrong(`it is longer than ${MAX_TEXT} characters`);
  if (!text.startsWith(SCHEME)) throw new Wrong(`it does not begin with \`${SCHEME}\``);
  if (/[\s\p{Cc}#]/u.test(text))
    throw new Wrong("it holds a space, a control character or `#`: write them percent-encoded");
  const [place = "", query, ...more] = text.slice(SCHEME.length).split("?");
  if (more.length > 0) throw new Wrong("it has two `?`");
  const [name = "", ...segments] = place.split("/");
  const resource = (Object.keys(ACTIONS) as Resource[]).find((known) => known === name);
  if (resource === undefined)
    throw new Wrong(`\`${name}\` is no resource: there are ${Object.keys(ACTIONS).join(", ")}`);
  const fields = readQuery(query ?? "");
  const capability: Capability = {
    resource,
    path: readPath(resource, segments),
    actions: readActions(resource, fields.get("action")),
    ...readConstraints(resource, fields),
  };
  fields.delete("action");
  for (const known of ["allow", "rate", ...NUMBERS]) fields.delete(known);
  const [unknown] = fields.keys();
  if (unknown !== undefined) throw new Wrong(`there is no constraint \`${unknown}\``);
  if (printCapability(capability).length > MAX_TEXT) throw new Wrong(`it is longer than ${MAX_TEXT} characters`);
  return capability;
}

function readQuery(query: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const field of query === "" ? [] : query.split("&")) {
    const at = field.indexOf("=");
    const name = at === -1 ? field : field.slice(0, at);
    if (at === -1 || at === field.length - 1) throw new Wrong(`\`${name}\` has no value`);
    if (fields.has(name)) throw new Wrong(`\`${name}\` is there twice`);
    fields.set(name, field.slice(at + 1));
  }
  return fields;
}

function readActions(resource: Resource, text: string | undefined): readonly string[] {
  const known = ACTIONS[resource];
  if (text === undefined && known.length > 1) throw new Wrong(`it has no \`action\`: there are ${known.join(", ")}`);
  const actions = text?.split(",") ?? known;
  for (const [index, action] of actions.entries()) {
    if (!known.includes(action))
      throw new Wrong(`\`${resource}\` has no action \`${action}\`: there are ${known.join(", ")}`);
    if (actions.indexOf(action) !== index) throw new Wrong(`the action \`${action}\` is there twice`);
  }
  return [...actions].sort();
}

function readConstraints(resource: Resource, fields: ReadonlyMap<string, string>): Partial<Capability> {
  const numbers = NUMBERS.flatMap((name) => {
    const text = fields.get(name);
    if (text === undefined) return [];
    if (name === "max" && resource !== "agent") throw new Wrong("`max` is a number of children, for `agent` only");
    return [[name, readNumber(name, text)] as const];
  });
  const [rate, allow] = [fields.get("rate"), fields.get("allow")];
  return {
    ...Object.fromEntries(numbers),
    ...(rate === undefined ? {} : { rate: readRate(rate) }),
    ...(allow === undefined ? {} : { allow: readAllow(resource, allow) }),
  };
}

function readNumber(name: string, text: string): number {
  const value = Number(text);
  if (/^[1-9]\d*$/.test(text) && Number.isSafeInteger(value)) return value;
  throw new Wrong(`\`${name}\` is \`${text}\`, expected a whole number from 1`);
}

function readRate(text: string): Rate {
  const [count = "", ms = "", ...more] = text.split("/");
  if (more.length > 0) throw new Wrong(`\`rate\` is \`${text}\`, expected uses and milliseconds, such as \`5/1000\``);
  return { count: readNumber("rate", count), ms: readNumber("rate", ms) };
}

function readAllow(resource: Resource, text: string): readonly Pattern[] {
  const patterns = text.split(",").map((pattern) => readPath(resource, pattern.split("/")));
  if (patterns.length > MAX_ALLOW) throw new Wrong(`\`allow\` has more than ${MAX_ALLOW} entries`);
  const texts = patterns.map(printPath);
  if (new Set(texts).size < texts.length) throw new Wrong("`allow` has an entry twice");
  return patterns.sort((left, right) => (printPath(left) < printPath(right) ? -1 : 1));
}

function readPath(resource: Resource, texts: readonly string[]): Pattern {
  if (texts.length === 0 || (texts.length === 1 && texts[0] === ""))
    throw new Wrong("it does not say what of the resource");
  const path = inOrder(texts.map(readSegment));
  if (path.length > MAX_SEGMENTS) throw new Wrong(`its path has more than ${MAX_SEGMENTS} segments`);
  if (path.filter((segment) => segment === DEEP).length > MAX_DEEP)
    throw new Wrong(`its path has more than ${MAX_DEEP} \`**\``);
  const fault = FAULTS[resource](path);
  if (fault !== undefined) throw new Wrong(fault);
  return path;
}

function readSegment(text: string): Segment {
  if (text === DEEP) return DEEP;
  if (text.includes(DEEP)) throw new Wrong(`\`**\` stands for whole segments, found \`${text}\``);
  return text.split("*").map(decoded);
}

function decoded(text: string): string {
  try {
    const plain = decodeURIComponent(text);
    if (!plain.includes("\0") && plain.isWellFormed()) return plain;
  } catch (error) {
    if (!(error instanceof URIError)) throw error;
  }
  throw new Wrong(`\`${text}\` is not percent-encoded UTF-8`);
}

/** `**` and `*` beside each other stand for the same in any order: one `**`, behind every `*`. */
function inOrder(path: readonly Segment[]): Pattern {
  const ordered: Segment[] = [];
  for (const segment of path) {
    const last = ordered.at(-1);
    if (segment === DEEP && last === DEEP) continue;
    if (last === DEEP && segment !== DEEP && isAnyName(segment)) ordered.splice(-1, 1, segment, DEEP);
    else ordered.push(segment);
  }
  return ordered;
}

function isAnyName(segment: readonly string[]): boolean {
  return segment.length === 2 && segment.join("") === "";
}

const HOST = /^[a-z0-9.:-]*$/;

/** What is wrong with a path, by resource. */
const FAULTS: Readonly<Record<Resource, (path: Pattern) => string | undefined>> = {
  fs([root, ...path]) {
    if (root === DEEP || root?.join("*") !== "workspace") return "files are below `workspace`";
    const bad = path.find(
      (segment) => segment !== DEEP && (["", ".", ".."].includes(segment.join("*")) || segment.join("").includes("/")),
    );
    return bad === undefined ? undefined : "no path has an empty segment, `.`, `..` or a slash in a name";
  },
  http: ([host]) =>
    host === DEEP || (host !== undefined && host.join("*") !== "" && host.every((part) => HOST.test(part)))
      ? undefined
      : "it begins with a host in lower case, or `*`",
  process: ([word]) => (word?.length === 1 && word[0] === "" ? "a command line begins with a program" : undefined),
  tool: oneName,
  agent: oneName,
  secret: oneName,
};

function oneName(path: Pattern): string | undefined {
  const [name, ...more] = path;
  return more.length === 0 && name !== DEEP && name?.join("*") !== "" ? undefined : "it has one name";
}

/** The canonical form: one spelling for what is read as the same. */
export function printCapability({ resource, path, actions, allow, rate, ...numbers }: Capability): string {
  const fields: readonly (readonly [string, string])[] = [
    ["action", actions.join(",")],
    ...(allow === undefined ? [] : [["allow", allow.map(printPath).join(",")] as const]),
    ...NUMBERS.flatMap((name) => (numbers[name] === undefined ? [] : [[name, String(numbers[name])] as const])),
    ...(rate === undefined ? [] : [["rate", `${rate.count}/${rate.ms}`] as const]),
  ];
  const query = [...fields].sort(([left], [right]) => (left < right ? -1 : 1)).map((field) => field.join("="));
  return `${SCHEME}${resource}/${printPath(path)}?${query.join("&")}`;
}

function printPath(path: Pattern): string {
  return path.map((segment) => (segment === DEEP ? DEEP : segment.map(encoded).join("*"))).join("/");
}

function encoded(text: string): string {
  return [...text]
    .map((one) => (PLAIN.test(one) ? one : Buffer.from(one).toString("hex").toUpperCase().replace(/../g, "%$&")))
    .join("");
}
