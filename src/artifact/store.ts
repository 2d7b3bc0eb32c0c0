import { constants } from "node:fs";
import { type FileHandle, mkdir, open, rename, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Digest, digestOf } from "../model/canonical.ts";
import { InputError, IntegrityError, WorldError } from "../model/errors.ts";

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;

/** No artifact is larger: bytes that no pin can want are not read into memory. */
export const MAX_ARTIFACT_BYTES = 256 * 1024 * 1024;

/** Bytes named by their sha256. Nothing is ever changed or removed. */
export interface ArtifactStore {
  /** Keeps the bytes; they are on disk when this resolves. Throws `IntegrityError` when a damaged file stands in their place. */
  put(bytes: Uint8Array): Promise<Digest>;
  /**
   * The bytes with this digest, hashed on every call. Throws `InputError` (`artifact-missing`) when no folder has them and
   * `IntegrityError` (`artifact-damaged`) when a folder has other bytes under that name; the file is left for inspection.
   */
  get(digest: Digest): Promise<Uint8Array>;
  /** Whether a file stands under this name; only `get` says whether it is whole. */
  has(digest: Digest): Promise<boolean>;
}

export interface StoreFolders {
  /** Absolute. Written to; made when it is needed. Files are `sha256/<first 2 digits>/<64 digits>`, mode 600 in folders of mode 700. */
  readonly root: string;
  /** Absolute. Only read, in order, after `root`; of the same layout. */
  readonly fallbacks?: readonly string[];
}

/** Opens a content-addressed store. Several processes may write to one store at the same time. */
export function openStore({ root, fallbacks = [] }: StoreFolders): ArtifactStore {
  const folders = [root, ...fallbacks];
  return {
    async put(bytes) {
      const digest = digestOf(bytes);
      const path = artifactPath(root, digest);
      if ((await readVerified(path, digest)) === undefined) await writeAtomically(path, bytes);
      return digest;
    },
    async get(digest) {
      for (const folder of folders) {
        const bytes = await readVerified(artifactPath(folder, digest), digest);
        if (bytes !== undefined) return bytes;
      }
      throw new InputError({
        code: "artifact-missing",
        message: `no artifact \`${digest}\` in ${folders.map((folder) => `\`${folder}\``).join(", ")}`,
        hint: "run the blueprint once from its own folder, which puts its artifacts into the store",
      });
    },
    async has(digest) {
      for (const folder of folders) {
        const file = await openRegular(artifactPath(folder, digest));
        await file?.close();
        if (file !== undefined) return true;
      }
      return false;
    },
  };
}

function artifactPath(folder: string, digest: Digest): string {
  const hex = digest.slice("sha256:".length);
  return join(folder, "sha256", hex.slice(0, 2), hex);
}

async function readVerified(path: string, digest: Digest): Promise<Uint8Array | undefined> {
  const file = await openRegular(path);
  if (file === undefined) return undefined;
  const bytes = await file.readFile().finally(() => file.close());
  const found = digestOf(bytes);
  if (found === digest) return bytes;
  throw new IntegrityError({
    code: "artifact-damaged",
    message: `\`${path}\` is damaged: expected \`${digest}\`, found \`${found}\``,
    hint: "the file is left for inspection; move it away and the artifact is taken from its source again",
  });
}

/** Never follows a link, never waits for a pipe. Undefined when there is no such file. */
async function openRegular(path: string): Promise<FileHandle | undefined> {
  let file: FileHandle;
  try {
    file = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT") return undefined;
    if (code === "ELOOP") throw notAnArtifact(path, "is a symbolic link");
    throw new WorldError({ code: "store-read", message: `cannot open \`${path}\` (${code})`, cause });
  }
  const stat = await file.stat();
  if (stat.isFile() && stat.size <= MAX_ARTIFACT_BYTES) return file;
  await file.close();
  throw notAnArtifact(
    path,
    stat.isFile() ? `has ${stat.size} bytes, the limit is ${MAX_ARTIFACT_BYTES}` : "is not a regular file",
  );
}

function notAnArtifact(path: string, what: string): IntegrityError {
  return new IntegrityError({
    code: "artifact-damaged",
    message: `\`${path}\` ${what}`,
    hint: "the store writes only regular files; find out who put this one there",
  });
}

/** Temporary file beside the target, fsync, rename, fsync of the folder. A crash leaves the old state, or a `.tmp` that nobody reads. */
async function writeAtomically(path: string, bytes: Uint8Array): Promise<void> {
  const folder = dirname(path);
  try {
    await makeFolder(folder);
    const { file, temporary } = await openTemporary(path);
    try {
      await flush(file, bytes);
      await rename(temporary, path);
    } catch (error) {
      await unlink(temporary);
      throw error;
    }
    await syncFolder(folder);
  } catch (cause) {
    const message = `cannot write \`${path}\`: ${cause instanceof Error ? cause.message : String(cause)}`;
    throw new WorldError({ code: "store-write", message, cause });
  }
}

async function flush(file: FileHandle, bytes: Uint8Array): Promise<void> {
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** A name of its own among concurrent writers: O_EXCL decides, the process id only makes collisions rare. */
async function openTemporary(path: string): Promise<{ file: FileHandle; temporary: string }> {
  for (let n = 0; ; n += 1) {
    const temporary = `${path}.${process.pid}.${n}.tmp`;
    try {
      return { file: await open(temporary, "wx", 0o600), temporary };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
  }
}

async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  for (let at = folder; at !== dirname(first); at = dirname(at)) await syncFolder(dirname(at));
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  await handle.sync().finally(() => handle.close());
}
