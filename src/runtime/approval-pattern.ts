import { leavesOpen, wrongPattern } from "../capability/approval-pattern.ts";
import { pathsOf } from "../capability/approvals.ts";
import { matches } from "../capability/glob.ts";
import { readRunKey, runKeyFile } from "../journal/keys.ts";
import { openRecording } from "../journal/recording.ts";
import { InputError } from "../model/errors.ts";
import { isJsonObject, type Json } from "../model/json.ts";
import type { PreTool } from "../model/payload.ts";
import { ToolError } from "../model/tool.ts";
import { openHostDirectory } from "../vfs/host.ts";
import { readStart } from "./begun.ts";
import { type Environment, keyFolder, runFolder } from "./machine.ts";
import { type PendingApproval, pendingApproval } from "./pending.ts";

/** A pattern as it would be approved, and what it covers, in words for people. */
export interface ExpandedPattern {
  readonly pattern: Json;
  readonly covers: readonly string[];
}

/** Directories and files that are looked at to say what a path pattern covers. */
const MOST_LOOKED_AT = 20_000;
const MOST_NAMED = 200;

/**
 * Reads a pattern for the action that an approval is about. Throws `InputError` when there is no such approval, or the pattern could not
 * be approved with it.
 */
export async function expandPattern(
  { run, approval, pattern }: { readonly run: string; readonly approval: string; readonly pattern: string },
  env: Environment,
): Promise<ExpandedPattern> {
  const pending = pendingApproval(run, env);
  if (pending?.approval !== approval || pending.phase !== "pre-tool") {
    throw new InputError({
      code: "no-such-approval",
      message: `run \`${run}\` waits for no approval \`${approval}\` of a call`,
    });
  }
  const asked = pending.payload as unknown as PreTool;
  const { tool, arguments: named } = asked.call;
  const read: Json = tool === "process.run" ? wordsOf(pattern) : pattern;
  const wrong = wrongPattern(read, asked);
  if (wrong !== undefined) {
    throw new InputError({
      code: "bad-pattern",
      message: `the pattern cannot be approved: ${wrong}`,
      hint: "approve this one action: `--scope once`",
    });
  }
  if (tool === "process.run") return { pattern: read, covers: commandsOf(read as readonly string[], asked) };
  if (pathsOf(tool, named) !== undefined) return { pattern: read, covers: await filesOf(pending, pattern, env) };
  return { pattern: read, covers: [`every URL below \`${pattern}\`, with everything else as it is in this call`] };
}

/** A JSON list of words, or words with spaces between them. */
function wordsOf(pattern: string): readonly string[] {
  if (!pattern.trimStart().startsWith("[")) return pattern.split(/\s+/).filter((word) => word !== "");
  try {
    const words: unknown = JSON.parse(pattern);
    if (Array.isArray(words) && words.every((word) => typeof word === "string")) return words;
  } catch {
    // said below
  }
  throw new InputError({
    code: "bad-pattern",
    message: 'the pattern is no list of words: expected JSON such as ["git", "log"]',
  });
}

function commandsOf(words: readonly string[], { resolution: { executable } }: PreTool): readonly string[] {
  const path = isJsonObject(executable) ? `${String(executable.path)}, ${String(executable.digest)}` : "";
  return [
    ...words.map((word, index) => `word ${index + 1}: ${wordText(word)}`),
    `the executable stays ${path}`,
    "working directory, environment, stdin and time limit stay as they are in this call",
    leavesOpen(words)
      ? "the files that its words name may be others, and say anything by then"
      : "the files that its words name stay as they are",
  ];
}

function wordText(word: string): string {
  if (word === "*") return "any one word that is no option";
  return word === "**" ? "any further words that are no options" : JSON.stringify(word);
}

/** The files of the workspace that a pattern covers now. */
async function filesOf(
  { run, payload }: PendingApproval,
  pattern: string,
  env: Environment,
): Promise<readonly string[]> {
  const key = readRunKey(runKeyFile(keyFolder(env), run));
  const { workspace } = await readStart(openRecording(runFolder(env, run)), key);
  const { call } = payload as unknown as PreTool;
  const found: string[] = [];
  const folders = ["."];
  let looked = 0;
  const root = openHostDirectory(workspace, { actions: ["read"] });
  try {
    for (let folder = folders.pop(); folder !== undefined && looked < MOST_LOOKED_AT; folder = folders.pop()) {
      for (const { name, kind } of entriesOf(root, folder)) {
        looked += 1;
        const path = folder === "." ? name : `${folder}/${name}`;
        if (kind === "directory") folders.push(path);
        if (kind !== "directory" && matches(pattern.split("/"), path.split("/"))) found.push(path);
      }
    }
  } finally {
    root.close();
  }
  const whole = looked < MOST_LOOKED_AT ? "" : ` among the first ${MOST_LOOKED_AT} that were looked at`;
  const named = found.sort().slice(0, MOST_NAMED);
  const more = found.length - named.length;
  return [
    `\`${call.tool}\` with any path that is \`${pattern}\`, whatever else its arguments say`,
    `${found.length} existing files of the workspace are covered now${whole}${found.length === 0 ? "" : ":"}`,
    ...named.map((path) => `  ${path}`),
    ...(more > 0 ? [`  … ${more} more files`] : []),
  ];
}

function entriesOf(root: ReturnType<typeof openHostDirectory>, folder: string) {
  try {
    return root.list(folder).entries;
  } catch (error) {
    if (error instanceof ToolError) return []; // gone meanwhile, or not to be read: nothing of it can be named
    throw error;
  }
}
