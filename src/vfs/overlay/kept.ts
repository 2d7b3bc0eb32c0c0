import { constants, copyFileSync, readdirSync, readFileSync, renameSync, unlinkSync } from "node:fs";
import { type Digest, digestOf } from "../../model/canonical.ts";
import { type Descriptor, openRegular } from "../walk.ts";
import type { FileState } from "./overlay.ts";

/** Larger files of the workspace are recorded by digest only. */
export const KEPT_BYTES = 8 * 1024 * 1024;

/**
 * Bytes of files as the workspace held them, by digest, for a three-way view when the workspace changes. They are a help and
 * nothing depends on them: they are not synced, and what does not match its digest is not there.
 */
export class Kept {
  readonly #folder: Descriptor;
  readonly #names: Set<string>;

  constructor(folder: Descriptor) {
    this.#folder = folder;
    this.#names = new Set(readdirSync(`/proc/self/fd/${folder.fd}`));
  }

  /** Keeps a file of the workspace, as a clone where the file system has that. */
  keep(state: FileState, parent: Descriptor, name: string): void {
    if (state.kind !== "file" || state.size > KEPT_BYTES || this.#names.has(nameOf(state.digest))) return;
    const kept = nameOf(state.digest);
    const partial = `${kept}.partial`;
    const { file } = openRegular(parent, name, name);
    using _ = file;
    copyFileSync(`/proc/self/fd/${file.fd}`, this.#folder.at(partial), constants.COPYFILE_FICLONE);
    renameSync(this.#folder.at(partial), this.#folder.at(kept));
    this.#names.add(kept);
  }

  read(digest: Digest, limit: number): Uint8Array | undefined {
    if (!this.#names.has(nameOf(digest))) return undefined;
    const bytes = readFileSync(this.#folder.at(nameOf(digest)));
    return bytes.length <= limit && digestOf(bytes) === digest ? bytes : undefined;
  }

  /** Forgets everything but these. */
  retain(digests: ReadonlySet<Digest>): void {
    const names = new Set([...digests].map(nameOf));
    for (const name of this.#names) {
      if (names.has(name)) continue;
      unlinkSync(this.#folder.at(name));
      this.#names.delete(name);
    }
  }

  close(): void {
    this.#folder[Symbol.dispose]();
  }
}

function nameOf(digest: Digest): string {
  return digest.slice("sha256:".length);
}
