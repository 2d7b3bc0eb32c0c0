import { join } from "node:path";
import type { JsonObject } from "../../model/json.ts";
import { ToolError } from "../../model/tool.ts";
import type { Image, Images } from "./image.ts";

/** What will be executed: one ELF image, or a script and the ELF image that interprets it. Everything is open. */
export interface Executable {
  readonly name: string;
  readonly image: Image;
  readonly script?: { readonly image: Image; readonly arguments: readonly string[]; readonly interpreter: string };
  readonly facts: JsonObject;
  close(): void;
}

interface Finder {
  readonly images: Images;
  /** Absolute folders, in order. */
  readonly path: readonly string[];
  readonly signal: AbortSignal;
}

/** Finds and opens what a command name stands for. Throws `ToolError` when nothing may be executed under it. */
export async function findExecutable(name: string, finder: Finder): Promise<Executable> {
  const first = await search(name, finder);
  if (isElf(first)) {
    return { name, image: first, facts: facts(first), close: () => first.close() };
  }
  try {
    return await findInterpreter(name, first, finder);
  } catch (error) {
    first.close();
    throw error;
  }
}

async function findInterpreter(name: string, script: Image, finder: Finder): Promise<Executable> {
  const { interpreter, arguments: given } = parseShebang(name, script.head);
  const image = interpreter.startsWith("/")
    ? await finder.images.open(interpreter, interpreter, finder.signal)
    : await search(interpreter, finder);
  if (image === undefined)
    throw new ToolError("not-found", `the interpreter \`${interpreter}\` of \`${name}\` does not exist`);
  if (!isElf(image)) {
    image.close();
    throw new ToolError("not-executable", `the interpreter \`${interpreter}\` of \`${name}\` is a script itself`);
  }
  return {
    name,
    image,
    script: { image: script, arguments: given, interpreter },
    facts: { ...facts(script), interpreter: { ...facts(image), arguments: given } },
    close() {
      image.close();
      script.close();
    },
  };
}

async function search(name: string, { images, path, signal }: Finder): Promise<Image> {
  if (!/^[^/=\0]+$/.test(name) || name === "." || name === "..") {
    throw new ToolError("bad-command", `\`${name}\` is not the plain name of a command; it is looked up on the path`);
  }
  for (const folder of path) {
    const image = await images.open(join(folder, name), name, signal);
    if (image !== undefined) return image;
  }
  throw new ToolError("not-found", `there is no command \`${name}\``);
}

/** `#!interpreter argument` (execve(2)), with `env NAME` and `env -S NAME argument…` resolved here and not by `env`. */
function parseShebang(name: string, head: Buffer): { interpreter: string; arguments: readonly string[] } {
  const end = head.indexOf("\n");
  const first = head.subarray(0, end === -1 ? head.length : end).toString("utf8");
  const [, interpreter, rest = ""] = /^#![ \t]*([^ \t]+)[ \t]*(.*?)[ \t]*$/.exec(first) ?? [];
  if (end === -1 || interpreter === undefined) {
    throw new ToolError("not-executable", `\`${name}\` is neither an ELF program nor a script with a \`#!\` line`);
  }
  if (!/(^|\/)env$/.test(interpreter)) return { interpreter, arguments: rest === "" ? [] : [rest] };
  const split = rest.startsWith("-S");
  const [command, ...given] = rest.replace(/^-S[ \t]*/, "").split(/[ \t]+/);
  if (command === undefined || !/^[\w.+-]+$/.test(command) || command.startsWith("-") || (!split && given.length > 0)) {
    throw new ToolError("not-executable", `\`${name}\` has a \`#!\` line with \`env\` that cannot be pinned`);
  }
  return { interpreter: command, arguments: given };
}

function isElf({ head }: Image): boolean {
  return head.subarray(0, 4).equals(Buffer.from("\x7fELF", "latin1"));
}

function facts({ path, digest }: Image): JsonObject {
  return { path, digest };
}
