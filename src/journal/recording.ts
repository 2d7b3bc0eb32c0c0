import { closeSync, constants, fstatSync, openSync, readFileSync, readSync, statSync } from "node:fs";
import { type Digest, digestOf } from "../model/canonical.ts";
import { InputError, IntegrityError } from "../model/errors.ts";
import type { JsonObject } from "../model/json.ts";
import { type BlobLine, decodeBase64, type EndMarker, type JournalHeader, parseLine } from "./codec.ts";
import { DamagedError, type Place } from "./damage.ts";
import { blobFile, journalFile } from "./store.ts";
import { type RecordedEntry, type Step, Walk } from "./walk.ts";

/**
 * A journal that was read from its first to its last byte and found whole: a recording, or the folder of a run.
 * Entries are read again (and verified again) when they are used, so that memory does not grow with their number.
 */
export interface Recording {
  readonly header: JournalHeader;
  /** The header line without its LF. */
  readonly headerLine: string;
  /** How many entries there are. */
  readonly count: number;
  /** sha256 of the last entry's line; of the header line when there is no entry. */
  readonly head: Digest;
  /**
   * Whether this is all that the run had to say: the last entry is `check.end` and, in a recording, the end marker
   * stands. What is not complete is good to its last whole entry.
   */
  readonly complete: boolean;
  /** Whether the file ends before its end: a recording without its end marker, a torn line. A paused run is not complete and not cut. */
  readonly cut: boolean;
  /** Bytes at the end that are no whole line: what a crash or a cut left of one. */
  readonly torn: number;
  /** Bytes up to the end of the last whole entry, header included. */
  readonly size: number;
  /** Large sealed bodies in order of first use. */
  readonly blobs: readonly Digest[];
  /** The newest signed checkpoint, where a recording carries one: an envelope whose signature was not looked at. */
  readonly checkpoint: JsonObject | undefined;
  /** The entries from the first. Throws `DamagedError` when the file is no longer what it was. */
  entries(): Generator<RecordedEntry, void>;
  /** A large sealed body. Throws `IntegrityError` when its bytes are not there or not those of the digest. */
  blob(digest: Digest): Uint8Array;
  close(): void;
}

type Found = Omit<Recording, "entries" | "blob" | "close">;
/** Shown an entry while a journal is read. */
export type See = (entry: RecordedEntry) => void;
type BlobPlace = Pick<Step, "place" | "length">;

/**
 * Opens a recording, or a run's folder, and verifies all of it: header, chain, blobs, end marker. Where the file ends
 * early, `complete` is false. Throws `DamagedError` with the place for everything else that is not as it was written,
 * and `InputError` for what is no recording at all. `see` is shown every entry on the way.
 */
export function openRecording(path: string, see: See = () => undefined): Recording {
  return isFolder(path) ? openFolder(path, see) : openFile(path, see);
}

function openFolder(folder: string, see: See): Recording {
  const file = journalFile(folder);
  return withFile(file, (fd) => {
    const walk = new Walk(fd, file);
    for (let entry = walk.nextEntry(); entry !== undefined; entry = walk.nextEntry()) see(entry);
    const found = toFound(walk, { complete: walk.chain.ended, cut: walk.torn > 0 });
    return { ...found, ...reading(fd, file, found), blob: (digest) => checked(digest, readBlobFile(folder, digest)) };
  });
}

function openFile(file: string, see: See): Recording {
  return withFile(file, (fd) => {
    const walk = new Walk(fd, file);
    let step = walk.next();
    for (; step?.type === "entry"; step = walk.next()) see(step);
    const { blobs } = walk;
    const places = new Map<Digest, BlobPlace>();
    while (step?.type === "blob") {
      verifyBlob(step.blob, blobs[places.size], step.place);
      places.set(step.blob.blob, { place: step.place, length: step.length });
      step = walk.next();
    }
    if (step !== undefined) {
      if (step.type !== "end") throw new DamagedError(step.place, "a blob or the end marker", "an entry");
      verifyEnd(
        step.end,
        { count: walk.chain.count, head: walk.chain.head, blobs: blobs.length, read: places.size },
        step.place,
      );
      const { place } = walk;
      if (walk.next() !== undefined || walk.torn > 0)
        throw new DamagedError(place, "nothing after the end marker", "more bytes");
    }
    const found = toFound(walk, { complete: step !== undefined && walk.chain.ended, cut: step === undefined });
    return {
      ...found,
      checkpoint: step?.end.checkpoint,
      ...reading(fd, file, found),
      blob: (digest) => checked(digest, readBlobLine(fd, places.get(digest))),
    };
  });
}

function toFound(walk: Walk, { complete, cut }: { readonly complete: boolean; readonly cut: boolean }): Found {
  const { header, headerLine, torn, size, blobs, chain } = walk;
  const { count, head } = chain;
  return { header, headerLine, count, head, complete, cut, torn, size, blobs, checkpoint: undefined };
}

function verifyBlob({ blob, data }: BlobLine, expected: Digest | undefined, place: Place): void {
  if (blob !== expected)
    throw new DamagedError(place, expected ? `blob \`${expected}\`` : "the end marker", `blob \`${blob}\``);
  const bytes = decodeBase64(data);
  if (bytes === undefined) throw new DamagedError(place, "canonical base64", "something else");
  const actual = digestOf(bytes);
  if (actual !== blob) throw new DamagedError(place, `bytes of \`${blob}\``, `bytes of \`${actual}\``);
}

function verifyEnd(end: EndMarker, walked: Omit<EndMarker, "end"> & { readonly read: number }, place: Place): void {
  const { count, head, blobs, read } = walked;
  if (read !== blobs) throw new DamagedError(place, `${blobs} blobs before the end marker`, `${read}`);
  if (end.blobs !== blobs) throw new DamagedError(place, `\`blobs\` ${blobs}`, `${end.blobs}`);
  if (end.count !== count) throw new DamagedError(place, `\`count\` ${count}`, `${end.count}`);
  if (end.head !== head) throw new DamagedError(place, `\`head\` \`${head}\``, `\`${end.head}\``);
}

function reading(fd: number, file: string, found: Found): Pick<Recording, "entries" | "close"> {
  return { entries: () => readEntries(new Walk(fd, file, "verified"), found), close: () => closeSync(fd) };
}

function* readEntries(walk: Walk, found: Found): Generator<RecordedEntry, void> {
  while (walk.chain.count < found.count) {
    const { place } = walk;
    const read = walk.nextEntry();
    if (read === undefined) throw new DamagedError(place, "an entry", "the end of the file");
    if (walk.chain.count === found.count && walk.chain.head !== found.head) {
      throw new DamagedError(place, `the entry \`${found.head}\` that was there before`, `\`${walk.chain.head}\``);
    }
    yield read;
  }
}

function checked(digest: Digest, bytes: Uint8Array | undefined): Uint8Array {
  const actual = bytes === undefined ? "nothing" : digestOf(bytes);
  if (bytes !== undefined && actual === digest) return bytes;
  throw new IntegrityError({
    code: "blob-damaged",
    message: `a sealed body is not what its entry names: expected bytes of \`${digest}\`, found \`${actual}\``,
  });
}

function readBlobLine(fd: number, at: BlobPlace | undefined): Uint8Array | undefined {
  if (at === undefined) return undefined;
  const bytes = Buffer.alloc(at.length);
  const read = readSync(fd, bytes, 0, at.length, at.place.offset);
  const { line } = parseLine(bytes.subarray(0, read), at.place);
  return line.type === "blob" ? decodeBase64(line.blob.data) : undefined;
}

function readBlobFile(folder: string, digest: Digest): Uint8Array | undefined {
  try {
    return readFileSync(blobFile(folder, digest));
  } catch {
    return undefined; // reported with its digest
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function withFile(file: string, use: (fd: number) => Recording): Recording {
  const fd = open(file);
  try {
    return use(fd);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function open(file: string): number {
  let fd: number;
  try {
    fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (cause) {
    const message = `\`${file}\` cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`;
    throw new InputError({ code: "not-readable", message, cause });
  }
  if (fstatSync(fd).isFile()) return fd;
  closeSync(fd);
  throw new InputError({ code: "not-a-recording", message: `\`${file}\` is not a journal: expected a file` });
}
