import { randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { Seal } from "../../src/journal/seal.ts";
import { canonicalJson, type Digest, digestOf } from "../../src/model/canonical.ts";
import type { Entry, Outcome } from "../../src/model/entry.ts";
import { isJsonObject, type Json, type JsonObject } from "../../src/model/json.ts";

/** An entry that lies open. */
export interface Open {
  readonly kind: Entry["kind"];
  readonly at?: number;
  readonly ran?: number;
  /** Of an input, `ref` alone. */
  readonly body: JsonObject;
  /** What is sealed in an input. */
  readonly content?: { readonly request: Json; readonly outcome: Outcome };
}

interface Forging {
  readonly key: Uint8Array;
  readonly run: string;
  /** Of the header, before everything else. */
  readonly header?: (header: JsonObject) => JsonObject;
}

/**
 * Rewrites a journal or a recording as one could who holds the run key: `change` makes any entries of each one. What comes of
 * it is sealed in its new place and chained anew, and every receipt names the entry that it named before, under its new seq and
 * digest. A checkpoint is left out. Bodies must be small enough to have no blob.
 */
export async function forge(
  file: string,
  { key, run, header: rewrite = (header) => header }: Forging,
  change: (entry: Open, seq: number) => readonly Open[],
): Promise<void> {
  const seal = new Seal(key, run);
  const [first = "", ...lines] = (await readFile(file, "utf8")).split("\n").slice(0, -1);
  const header = canonicalJson(rewrite(JSON.parse(first)));
  const renamed = new Map<string, string>();
  const moved = new Map<number, number>();
  const forged: string[] = [];
  let prev: Digest = digestOf(header);
  let ended = false;
  for (const line of lines) {
    const entry: Entry & { readonly end?: true } = JSON.parse(line);
    if (entry.end) {
      ended = true;
      continue;
    }
    const made = change(opened(entry, seal), entry.seq);
    for (const one of made) {
      const { content, body, ...rest } = renaming(one, { renamed, moved });
      const place = { ...rest, seq: forged.length, prev };
      const text = canonicalJson({ ...place, body: content === undefined ? body : sealed(seal, place, body, content) });
      prev = digestOf(text);
      forged.push(text);
    }
    moved.set(entry.seq, forged.length - 1);
    renamed.set(digestOf(line), prev);
  }
  const end = ended ? [canonicalJson({ end: true, count: forged.length, head: prev, blobs: 0 })] : [];
  await writeFile(file, [header, ...forged, ...end, ""].join("\n"));
}

/** The same for outcomes alone. */
export async function forgeOutcomes(
  journal: string,
  run: { readonly key: Uint8Array; readonly run: string },
  change: (entry: Open, outcome: Outcome) => Outcome,
): Promise<void> {
  await forge(journal, run, (entry) => {
    const { content } = entry;
    return [
      content === undefined ? entry : { ...entry, content: { ...content, outcome: change(entry, content.outcome) } },
    ];
  });
}

function opened(entry: Entry, seal: Seal): Open {
  const { kind, at, ran, body } = entry;
  const { sealed: bytes, commit, ref } = body;
  const times = { ...(at === undefined ? {} : { at }), ...(ran === undefined ? {} : { ran }) };
  if (typeof bytes !== "string") return { kind, ...times, body };
  const content = JSON.parse(seal.open(entry, String(commit), Buffer.from(bytes, "base64"))) as Open["content"];
  return { kind, ...times, body: { ref: ref ?? {} }, ...(content === undefined ? {} : { content }) };
}

function sealed(
  seal: Seal,
  place: Parameters<Seal["close"]>[0],
  { ref }: JsonObject,
  content: NonNullable<Open["content"]>,
): JsonObject {
  const closed = seal.close(place, canonicalJson(content as unknown as Json), randomBytes(12));
  return { ref: ref ?? {}, commit: closed.commit, sealed: closed.bytes.toString("base64") };
}

/** With the new names of the entries that receipts name. */
function renaming<T extends Open>(
  entry: T,
  { renamed, moved }: { readonly renamed: ReadonlyMap<string, string>; readonly moved: ReadonlyMap<number, number> },
): T {
  const walk = (json: Json): Json => {
    if (Array.isArray(json)) return json.map(walk);
    if (!isJsonObject(json)) return json;
    const walked = Object.fromEntries(Object.entries(json).map(([name, value]) => [name, walk(value)]));
    const { seq, entry: digest } = json;
    if (typeof seq !== "number" || typeof digest !== "string" || !renamed.has(digest)) return walked;
    return { ...walked, seq: moved.get(seq) ?? seq, entry: renamed.get(digest) ?? digest };
  };
  const { content } = entry;
  const body = walk(entry.body) as JsonObject;
  return content === undefined
    ? { ...entry, body }
    : { ...entry, body, content: walk(content as unknown as Json) as unknown as Open["content"] };
}
