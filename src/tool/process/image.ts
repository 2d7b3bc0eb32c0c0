import { createHash } from "node:crypto";
import { type BigIntStats, closeSync, constants, fstatSync, openSync, read, readlinkSync } from "node:fs";
import { promisify } from "node:util";
import type { Digest } from "../../model/canonical.ts";
import { ToolError } from "../../model/tool.ts";
import { goOn } from "../tool.ts";

const readAt = promisify(read);
const CHUNK = 1024 * 1024;
/** A file that changed this short a time ago may change again without its times showing it. */
const SETTLED_MS = 2_000;
const OPEN = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;

/** An open executable file: the descriptor that is hashed is the one that is executed. */
export interface Image {
  readonly fd: number;
  /** Where it really is, links resolved. */
  readonly path: string;
  readonly digest: Digest;
  /** Its first bytes. */
  readonly head: Buffer;
  close(): void;
}

/**
 * Opens executables. A digest is remembered for as long as device, inode, size and times stay the same, so that a large
 * interpreter is hashed once in a run.
 */
export class Images {
  readonly #known = new Map<string, Digest>();
  readonly #now: () => number;
  /** `now`: ms since the epoch. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Undefined when there is no such file. Throws `ToolError` for a file that must not be executed. */
  async open(path: string, name: string, signal: AbortSignal): Promise<Image | undefined> {
    const fd = openOrNothing(path);
    if (fd === undefined) return undefined;
    try {
      const stats = fstatSync(fd, { bigint: true });
      refuse(stats, name);
      const digest = await this.#digest(fd, stats, signal);
      const head = Buffer.alloc(256);
      const { bytesRead } = await readAt(fd, head, 0, head.length, 0);
      const real = readlinkSync(`/proc/self/fd/${fd}`);
      return { fd, path: real, digest, head: head.subarray(0, bytesRead), close: () => closeSync(fd) };
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  async #digest(fd: number, stats: BigIntStats, signal: AbortSignal): Promise<Digest> {
    const key = [stats.dev, stats.ino, stats.size, stats.mtimeNs, stats.ctimeNs, stats.mode].join(":");
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const settled = this.#now() - Number(stats.ctimeMs) > SETTLED_MS;
    const digest = await hash(fd, signal);
    if (settled) this.#known.set(key, digest);
    return digest;
  }
}

async function hash(fd: number, signal: AbortSignal): Promise<Digest> {
  const sum = createHash("sha256");
  const chunk = Buffer.alloc(CHUNK);
  for (let position = 0; ; ) {
    goOn(signal);
    const { bytesRead } = await readAt(fd, chunk, 0, CHUNK, position);
    if (bytesRead === 0) return `sha256:${sum.digest("hex")}` as Digest;
    sum.update(chunk.subarray(0, bytesRead));
    position += bytesRead;
  }
}

function openOrNothing(path: string): number | undefined {
  try {
    return openSync(path, OPEN);
  } catch {
    // Not there, or not readable for us: as for a shell, the search goes on.
    return undefined;
  }
}

function refuse(stats: BigIntStats, name: string): void {
  if (!stats.isFile() || (stats.mode & 0o111n) === 0n) {
    throw new ToolError("not-executable", `\`${name}\` is not an executable file`);
  }
  if ((stats.mode & 0o6000n) !== 0n) {
    throw new ToolError("set-user-id", `\`${name}\` would run with the rights of another user or group`);
  }
}
