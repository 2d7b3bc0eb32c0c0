import { isAscii, isUtf8 } from "node:buffer";
import { canonicalJson, type Digest, isDigest } from "../model/canonical.ts";
import {
  CHECK_KINDS,
  type Entry,
  type EntryKind,
  INPUT_KINDS,
  type InputKind,
  type SealedBody,
} from "../model/entry.ts";
import { InputError } from "../model/errors.ts";
import { isJsonObject, type Json, type JsonObject } from "../model/json.ts";
import { DamagedError, type Place, shown } from "./damage.ts";

/** What is written. */
export const FORMAT = "pinion-journal/2";
/** What is read, too, but neither replayed nor resumed: its inputs have no `ran`. */
const FORMER = "pinion-journal/1";
export type Format = typeof FORMAT | typeof FORMER;
/** Bytes of a line without its LF. */
export const MAX_LINE = 32 * 1024 * 1024;

/** The first line: the format, what ran, and what it ran on. Further members are the caller's. */
export interface JournalHeader extends JsonObject {
  readonly format: Format;
  readonly kernel: string;
  readonly run: string;
}
/** A sealed body that was too large for its entry; in recordings only, after the entries. */
export interface BlobLine {
  readonly blob: Digest;
  readonly data: string;
}
/** The last line of a recording. */
export interface EndMarker {
  readonly end: true;
  readonly count: number;
  readonly head: Digest;
  readonly blobs: number;
  /** The newest signed checkpoint of the run: an envelope, one line of its `checkpoints.jsonl`. */
  readonly checkpoint?: JsonObject;
}
export type Line =
  | { readonly type: "entry"; readonly entry: Entry }
  | { readonly type: "blob"; readonly blob: BlobLine }
  | { readonly type: "end"; readonly end: EndMarker };

const COMMITMENT = /^hmac-sha256:[0-9a-f]{64}$/;
/** A run's id names folders and files. */
const RUN = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

/** The line of an entry without its LF: RFC 8785 of the whole, around a body that is canonical already. */
export function encodeEntry(entry: Omit<Entry, "body">, body: string): string {
  const at = entry.at === undefined ? "" : `"at":${entry.at},`;
  const ran = entry.ran === undefined ? "" : `"ran":${entry.ran},`;
  const line = `{${at}"body":${body},"kind":"${entry.kind}","prev":"${entry.prev}",${ran}"seq":${entry.seq}}`;
  if (line.length > MAX_LINE || Buffer.byteLength(line) > MAX_LINE) {
    const message = `an entry \`${entry.kind}\` of more than ${MAX_LINE} bytes does not fit into a journal`;
    throw new InputError({ code: "too-large", message });
  }
  return line;
}

/** The header line without its LF. Throws `InputError` when `run` cannot name a file or a member has no JSON form. */
export function encodeHeader(header: JournalHeader): string {
  if (!isHeader(header)) {
    const message = `expected a header with \`kernel\` and a \`run\` of letters, digits, \`.\`, \`_\` and \`-\`, found ${shown(header)}`;
    throw new InputError({ code: "bad-header", message });
  }
  return canonicalJson(header);
}

/** The first line of a file. Throws `InputError` for what is not a journal, or one of another format. */
export function parseHeader(bytes: Uint8Array, place: Place): JournalHeader {
  const value = readJson(bytes);
  const format = isJsonObject(value?.json) ? value.json.format : undefined;
  if (value === undefined || typeof format !== "string" || !format.startsWith("pinion-journal/")) {
    const message = `\`${place.file}\` is not a journal: expected a first line with \`"format":"${FORMAT}"\``;
    throw new InputError({ code: "not-a-recording", message });
  }
  if (!isFormat(format)) {
    const message = `\`${place.file}\` has the format ${shown(format)}, expected \`${FORMAT}\`: read it with the version that wrote it`;
    throw new InputError({ code: "unsupported-format", message });
  }
  if (!isCanonical(value)) throw new DamagedError(place, "canonical JSON (RFC 8785)", shown(value.text));
  if (!isHeader(value.json)) throw new DamagedError(place, "a header with `kernel` and `run`", shown(value.text));
  return value.json;
}

/** Any line but the first, in the format that its header names. `verified`: it is canonical. Strict: throws `DamagedError` for everything that this codec would not have written. */
export function parseLine(
  bytes: Uint8Array,
  place: Place,
  { format = FORMAT, known }: { readonly format?: Format; readonly known?: "verified" | undefined } = {},
): { readonly text: string; readonly line: Line } {
  const value = readJson(bytes);
  if (value === undefined)
    throw new DamagedError(place, "a JSON object in UTF-8", shown(Buffer.from(bytes).toString()));
  if (known !== "verified" && !isCanonical(value)) {
    throw new DamagedError(place, "canonical JSON (RFC 8785)", shown(value.text));
  }
  const line = toLine(value.json, format);
  if (line === undefined) throw new DamagedError(place, "an entry, a blob or an end marker", shown(value.text));
  return { text: value.text, line };
}

export function isInputKind(kind: EntryKind): kind is InputKind {
  return (INPUT_KINDS as readonly string[]).includes(kind);
}

/** The bytes of canonical base64 (RFC 4648 §4: padded, no stray bits), or undefined. */
export function decodeBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, "base64");
  return bytes.toString("base64") === text ? bytes : undefined;
}

/** The body of an input entry. */
export function sealedBody(body: JsonObject): SealedBody | undefined {
  const { ref, commit, sealed, blob } = body;
  if (!isJsonObject(ref) || typeof commit !== "string" || !COMMITMENT.test(commit)) return undefined;
  if (!hasOnly(body, ["ref", "commit", sealed === undefined ? "blob" : "sealed"])) return undefined;
  if (typeof sealed === "string") return { ref, commit, sealed };
  return isDigest(blob) ? { ref, commit, blob } : undefined;
}

interface Read {
  readonly text: string;
  readonly json: Json;
}

function readJson(bytes: Uint8Array): Read | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (!isUtf8(buffer)) return undefined;
  const text = isAscii(buffer) ? buffer.toString("latin1") : buffer.toString("utf8");
  try {
    return { text, json: JSON.parse(text) };
  } catch {
    return undefined; // the caller reports it with its place
  }
}

/**
 * Whether the text is its own RFC 8785 form. Native `JSON.stringify` settles numbers, strings, white space and
 * doubled keys; when it gives the text back, the keys in their order of writing are what is left to check. (It gives
 * something else for canonical text with integer-like keys, which engines enumerate by number.)
 */
function isCanonical({ text, json }: Read): boolean {
  if (JSON.stringify(json) === text && !text.includes("\\ud") && hasSortedKeys(json, 0)) return true;
  try {
    return canonicalJson(json, { levels: DEEPEST }) === text;
  } catch {
    return false; // too deep, or half of a surrogate pair
  }
}

const SHALLOW = 100;
/** A line is a few levels deeper than the deepest body or ref in it. */
const DEEPEST = 1010;

function hasSortedKeys(json: Json, depth: number): boolean {
  if (typeof json !== "object" || json === null) return true;
  if (depth === SHALLOW) return false;
  if (Array.isArray(json)) return json.every((item: Json) => hasSortedKeys(item, depth + 1));
  const members = json as JsonObject;
  let last = "";
  for (const key of Object.keys(members)) {
    if (key < last || !hasSortedKeys(members[key] ?? null, depth + 1)) return false;
    last = key;
  }
  return true;
}

function isHeader(json: Json): json is JournalHeader {
  if (!isJsonObject(json)) return false;
  return isFormat(json.format) && typeof json.kernel === "string" && typeof json.run === "string" && RUN.test(json.run);
}

function isFormat(format: Json | undefined): format is Format {
  return format === FORMAT || format === FORMER;
}

function toLine(json: Json, format: Format): Line | undefined {
  if (!isJsonObject(json)) return undefined;
  if ("end" in json) return toEnd(json);
  if ("blob" in json) return toBlob(json);
  return toEntry(json, format);
}

function toEntry(json: JsonObject, format: Format): Line | undefined {
  const { seq, kind, prev, at, ran, body } = json;
  if (!isCount(seq) || !isDigest(prev) || !isJsonObject(body)) return undefined;
  if (isOneOf(INPUT_KINDS, kind)) {
    if (!isCount(at) || sealedBody(body) === undefined) return undefined;
    if (format === FORMER) {
      if (!hasOnly(json, ["seq", "kind", "prev", "at", "body"])) return undefined;
      return { type: "entry", entry: { seq, kind, prev, at, body } };
    }
    if (!isCount(ran) || !hasOnly(json, ["seq", "kind", "prev", "at", "ran", "body"])) return undefined;
    return { type: "entry", entry: { seq, kind, prev, at, ran, body } };
  }
  if (!isOneOf(CHECK_KINDS, kind) || !hasOnly(json, ["seq", "kind", "prev", "body"])) return undefined;
  return { type: "entry", entry: { seq, kind, prev, body } };
}

function toBlob(json: JsonObject): Line | undefined {
  const { blob, data } = json;
  if (!isDigest(blob) || typeof data !== "string" || !hasOnly(json, ["blob", "data"])) return undefined;
  return { type: "blob", blob: { blob, data } };
}

function toEnd(json: JsonObject): Line | undefined {
  const { end, count, head, blobs, checkpoint } = json;
  if (end !== true || !isCount(count) || !isDigest(head) || !isCount(blobs)) return undefined;
  if (!hasOnly(json, ["end", "count", "head", "blobs", "checkpoint"])) return undefined;
  if (checkpoint === undefined) return { type: "end", end: { end, count, head, blobs } };
  return isJsonObject(checkpoint) ? { type: "end", end: { end, count, head, blobs, checkpoint } } : undefined;
}

function hasOnly(json: JsonObject, keys: readonly string[]): boolean {
  return Object.keys(json).every((key) => keys.includes(key));
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function isOneOf<K extends string>(kinds: readonly K[], value: unknown): value is K {
  return (kinds as readonly unknown[]).includes(value);
}
