import { ToolError } from "../../model/tool.ts";
import type { Authority, Mask, Workspace } from "../ports.ts";
import { NO_SECRETS } from "../secrets/none.ts";
import { breathe, defineTool, fields, type Tool } from "../tool.ts";
import { requirePermission } from "./facts.ts";
import { type Finder, finderOf } from "./match.ts";
import { fileNeed } from "./need.ts";
import { type LeftOut, openPlace, type Visit } from "./walk.ts";

const MATCHES = 200;
const MAX_MATCHES = 2_000;
const MAX_FILES = 5_000;
const MAX_FILE_BYTES = 1024 * 1024;
const MAX_BYTES = 32 * 1024 * 1024;
const MAX_DEPTH = 32;
/** Lines are searched and shown up to these lengths, in UTF-16 units. */
const SEARCHED_LINE = 16_384;
const SHOWN_LINE = 300;

interface Arguments {
  readonly pattern: string;
  readonly path?: string;
  readonly regex?: boolean;
  readonly ignoreCase?: boolean;
  readonly limit?: number;
}

type Match = { readonly path: string; readonly line: number; readonly column: number; readonly text: string };

/** What was searched so far, and what was left out. */
class Tally implements LeftOut {
  files = 0;
  bytes = 0;
  hidden = 0;
  unreadable = 0;
  binary = 0;
  large = 0;
  longLines = 0;
  readonly matches: Match[] = [];
}

/** `file.search`: lines with a text or a linear-time regular expression, in files that may be read. */
export function fileSearch(workspace: Workspace, authority: Authority, mask: Mask = NO_SECRETS.mask): Tool {
  return defineTool<Arguments>({
    name: "file.search",
    taxon: "workspace",
    readOnly: true,
    idempotency: "idempotent",
    inputSchema: fields(
      {
        pattern: { type: "string", minLength: 1, maxLength: 1000 },
        path: { type: "string" },
        regex: { type: "boolean" },
        ignoreCase: { type: "boolean" },
        limit: { type: "integer", minimum: 1, maximum: MAX_MATCHES },
      },
      ["path", "regex", "ignoreCase", "limit"],
    ),
    outputSchema: fields({
      matches: {
        type: "array",
        items: fields({
          path: { type: "string" },
          line: { type: "integer" },
          column: { type: "integer" },
          text: { type: "string" },
        }),
      },
      searched: { type: "integer" },
      stopped: { enum: ["end", "matches", "files", "bytes"] },
      skipped: fields({
        hidden: { type: "integer" },
        unreadable: { type: "integer" },
        binary: { type: "integer" },
        large: { type: "integer" },
        longLines: { type: "integer" },
      }),
    }),
    permit: ({ path = "." }) => authority.file("read", path),
    needs: ({ path = "." }, { kind }) => [fileNeed("read", path, kind === "file" ? "alone" : "deep")],
    prepare({ pattern, path = ".", regex = false, ignoreCase = false, limit = MATCHES }, { signal }) {
      requirePermission(authority, "read", path);
      const finder = finderOf({ pattern, regex, ignoreCase });
      const place = openPlace(workspace, path);
      return {
        resolution: { path, kind: place.kind, identity: place.identity },
        async act() {
          const tally = new Tally();
          const visits = place.visits({ depth: MAX_DEPTH, authority, leftOut: tally });
          const stopped = await searchFiles(visits, { finder, limit, signal, tally, mask });
          const { hidden, unreadable, binary, large, longLines } = tally;
          return {
            matches: tally.matches.slice(0, limit),
            searched: tally.files,
            stopped,
            skipped: { hidden, unreadable, binary, large, longLines },
          };
        },
        close: place.close,
      };
    },
  });
}

interface Search {
  readonly finder: Finder;
  readonly limit: number;
  readonly signal: AbortSignal;
  readonly tally: Tally;
  /** Applied before anything is searched, so that matches tell nothing of a secret either. */
  readonly mask: Mask;
}

async function searchFiles(visits: Iterable<Visit>, search: Search): Promise<"end" | "matches" | "files" | "bytes"> {
  const { tally, limit, signal } = search;
  for (const visit of visits) {
    if (visit.entry.kind !== "file") continue;
    if (tally.files === MAX_FILES) return "files";
    if (tally.bytes > MAX_BYTES) return "bytes";
    await breathe(signal);
    const text = readText(visit, tally);
    if (text !== undefined) await searchText(visit.path, search.mask.text(text), search);
    if (tally.matches.length > limit) return "matches";
  }
  return "end";
}

/** The text of a file; undefined, and counted, when it is large, binary, or went away. */
function readText({ entry, directory }: Visit, tally: Tally): string | undefined {
  if (entry.size > MAX_FILE_BYTES) {
    tally.large += 1;
    return undefined;
  }
  const data = readAll(directory, entry.name);
  if (data === undefined) {
    tally.unreadable += 1;
    return undefined;
  }
  tally.files += 1;
  tally.bytes += data.length;
  try {
    if (!data.includes(0)) return new TextDecoder("utf-8", { fatal: true }).decode(data);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
  }
  tally.binary += 1;
  return undefined;
}

function readAll(directory: Workspace, name: string): Uint8Array | undefined {
  try {
    const file = directory.openFile(name);
    try {
      return file.read({ offset: 0, length: MAX_FILE_BYTES });
    } finally {
      file.close();
    }
  } catch (error) {
    if (error instanceof ToolError) return undefined;
    throw error;
  }
}

async function searchText(path: string, text: string, { finder, limit, signal, tally }: Search): Promise<void> {
  let work = 0;
  for (const [index, full] of text.split("\n").entries()) {
    const whole = full.endsWith("\r") ? full.slice(0, -1) : full;
    const line = whole.slice(0, SEARCHED_LINE);
    if (line.length < whole.length) tally.longLines += 1;
    const column = finder(line);
    if (column !== -1) tally.matches.push({ path, line: index + 1, column: column + 1, text: shown(line, column) });
    if (tally.matches.length > limit) return;
    work += line.length;
    if (work < SEARCHED_LINE) continue;
    work = 0;
    await breathe(signal);
  }
}

/** The line, or the part of a long one around the match. */
function shown(line: string, column: number): string {
  if (line.length <= SHOWN_LINE) return line;
  const from = Math.max(0, Math.min(column - 50, line.length - SHOWN_LINE));
  return line.slice(from, from + SHOWN_LINE).toWellFormed();
}
