import {
  constants,
  fsync,
  mkdirSync,
  openSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  statSync,
  unlinkSync,
} from "node:fs";
import { promisify } from "node:util";
import { InputError, WorldError } from "../model/errors.ts";
import type { FileAction } from "../model/hook.ts";
import { ToolError } from "../model/tool.ts";
import type { Directory, DirectoryLimits, Listing, NodeStat, OpenFile } from "./directory.ts";
import { failure, fromSystem, guarded } from "./failure.ts";
import { openHostFile } from "./file.ts";
import { listDirectory } from "./listing.ts";
import { formatPath, parsePath } from "./path.ts";
import { replaceFile } from "./replace.ts";
import { Descriptor, descend, descendToParent, look, openRegular, reopen, toStat } from "./walk.ts";

const sync = promisify(fsync);
const LIMITS: DirectoryLimits = { bytes: 16 * 1024 * 1024, entries: 10_000 };

/**
 * Opens a directory of the host: the only way into its files. `path` comes from the person who runs Pinion and may be
 * reached through links; nothing below it may. Without `write` in `actions` every change fails with `read-only`.
 * Linux only. Throws `InputError` when there is no such directory.
 */
export function openHostDirectory(
  path: string,
  options: { readonly actions: readonly FileAction[]; readonly limits?: Partial<DirectoryLimits> },
): Directory {
  if (process.platform !== "linux" || statSync("/proc/self/fd", { throwIfNoEntry: false }) === undefined) {
    const found = process.platform === "linux" ? "Linux without /proc" : process.platform;
    throw new WorldError({
      code: "unsupported-platform",
      message: `files need Linux with /proc mounted, this is ${found}`,
    });
  }
  try {
    const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
    return new HostDirectory(new Descriptor(fd), new Set(options.actions), { ...LIMITS, ...options.limits });
  } catch (error) {
    const found = error instanceof Error && "code" in error ? String(error.code) : String(error);
    throw new InputError({
      code: "no-directory",
      message: `\`${path}\` is not a directory that can be opened: ${found}`,
    });
  }
}

class HostDirectory implements Directory {
  readonly actions: ReadonlySet<FileAction>;
  readonly #limits: DirectoryLimits;
  #root: Descriptor | undefined;

  constructor(root: Descriptor, actions: ReadonlySet<FileAction>, limits: DirectoryLimits) {
    this.#root = root;
    this.actions = actions;
    this.#limits = limits;
  }

  hostPath(): string {
    return readlinkSync(`/proc/self/fd/${this.#for("read", ".")}`);
  }

  descriptor(): number {
    return this.#for("read", ".");
  }

  openDirectory(path: string): Directory {
    const root = this.#for("read", path);
    return new HostDirectory(descend(root, parsePath(path)), this.actions, this.#limits);
  }

  openFile(path: string): OpenFile {
    const root = this.#for("read", path);
    const { parent, name } = descendToParent(root, parsePath(path));
    using _ = parent;
    const { file, stats } = openRegular(parent, name, path);
    return openHostFile(file, toStat(stats), { path, bytes: this.#limits.bytes });
  }

  list(path: string): Listing {
    const root = this.#for("read", path);
    using directory = descend(root, parsePath(path));
    return guarded(path, () => listDirectory(directory, path, this.#limits.entries));
  }

  stat(path: string): NodeStat {
    const root = this.#for("read", path);
    const segments = parsePath(path);
    if (segments.length === 0) {
      using self = reopen(root);
      return toStat(statSync(`/proc/self/fd/${self.fd}`, { bigint: true }));
    }
    const { parent, name } = descendToParent(root, segments);
    using _ = parent;
    const stats = guarded(path, () => look(parent, name));
    if (stats === undefined) throw missing(path);
    return toStat(stats);
  }

  link(path: string): string {
    const root = this.#for("read", path);
    const { parent, name } = descendToParent(root, parsePath(path));
    using _ = parent;
    return guarded(path, () => readlinkSync(parent.at(name)));
  }

  read(path: string, range: { readonly offset: number; readonly length: number }): Uint8Array {
    const file = this.openFile(path);
    try {
      return file.read(range);
    } finally {
      file.close();
    }
  }

  async write(path: string, data: Uint8Array): Promise<void> {
    const root = this.#for("write", path);
    if (data.length > this.#limits.bytes) {
      throw failure("too-large", path, `${data.length} bytes are more than the limit of ${this.#limits.bytes}`);
    }
    await change(root, path, ({ parent, name }) => replaceFile(parent, name, path, data));
  }

  async createDirectory(path: string): Promise<void> {
    const root = this.#for("write", path);
    await change(root, path, async ({ parent, name }) => {
      mkdirSync(parent.at(name));
      await sync(parent.fd);
    });
  }

  async remove(path: string): Promise<void> {
    const root = this.#for("write", path);
    await change(root, path, async ({ parent, name }) => {
      if (look(parent, name)?.isDirectory()) rmdirSync(parent.at(name));
      else unlinkSync(parent.at(name));
      await sync(parent.fd);
    });
  }

  async rename(source: string, target: string): Promise<void> {
    const root = this.#for("write", source);
    await change(root, source, async (from) => {
      if (look(from.parent, from.name) === undefined) throw missing(source);
      await change(root, target, async (to) => {
        if (look(to.parent, to.name) !== undefined) throw failure("exists", target, "it exists already");
        renameSync(from.parent.at(from.name), to.parent.at(to.name));
        await sync(to.parent.fd);
        await sync(from.parent.fd);
      });
    });
  }

  close(): void {
    this.#root?.[Symbol.dispose]();
    this.#root = undefined;
  }

  #for(action: FileAction, path: string): number {
    if (this.#root === undefined) throw new ToolError("closed", "the directory handle is closed");
    if (!this.actions.has(action)) {
      const code = action === "write" ? "read-only" : "no-access";
      throw failure(code, path, `the directory was not opened for the action \`${action}\``);
    }
    return this.#root.fd;
  }
}

function missing(path: string): ToolError {
  return failure("not-found", path, "there is no such file or directory");
}

async function change(
  root: number,
  path: string,
  action: (at: { readonly parent: Descriptor; readonly name: string }) => Promise<void>,
): Promise<void> {
  const segments = parsePath(path);
  const at = descendToParent(root, segments);
  using _ = at.parent;
  try {
    await action(at);
  } catch (error) {
    throw fromSystem(error, formatPath(segments));
  }
}
