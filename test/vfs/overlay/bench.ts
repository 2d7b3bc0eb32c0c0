import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Directory } from "../../../src/vfs/directory.ts";
import { type OverlayOptions, openOverlay } from "../../../src/vfs/overlay/open.ts";
import type { Change, Incoming, Overlay } from "../../../src/vfs/overlay/overlay.ts";

/** A workspace, a layer over it, and a folder for what processes leave. */
export class Bench {
  readonly root = mkdtempSync(join(tmpdir(), "pinion-overlay-"));
  readonly workspace = join(this.root, "workspace");
  readonly folder = join(this.root, "run", "overlay");
  readonly left = join(this.root, "left");
  #opened: Overlay[] = [];

  constructor() {
    mkdirSync(this.workspace);
    mkdirSync(this.left);
  }

  async open(options: Partial<OverlayOptions> = {}): Promise<Overlay> {
    const quota = { bytes: 1_000_000, files: 1000 };
    const overlay = await openOverlay({ base: this.workspace, folder: this.folder, quota, ...options });
    this.#opened.push(overlay);
    return overlay;
  }

  closeAll(): void {
    for (const overlay of this.#opened.splice(0)) overlay.close();
  }

  close(): void {
    this.closeAll();
    rmSync(this.root, { recursive: true });
  }
}

/** What a tree holds: `directory`, `link <target>` or `file <x?> <content>` by path. */
export type Content = Map<string, string>;

export function contentOfFolder(folder: string, below = ""): Content {
  const content: Content = new Map();
  for (const entry of readdirSync(join(folder, below), { withFileTypes: true })) {
    const path = below === "" ? entry.name : `${below}/${entry.name}`;
    const full = join(folder, path);
    if (entry.isSymbolicLink()) content.set(path, `link ${readlinkSync(full)}`);
    else if (entry.isFile()) content.set(path, `file ${mode(full)} ${readFileSync(full, "utf8")}`);
    else {
      content.set(path, "directory");
      for (const [key, value] of contentOfFolder(folder, path)) content.set(key, value);
    }
  }
  return content;
}

function mode(path: string): string {
  return (statSync(path).mode & 0o100) === 0 ? "-" : "x";
}

/** The same through a handle, which does not tell what is executable and where links lead. */
export function contentOfDirectory(directory: Directory, below = "."): Content {
  const content: Content = new Map();
  for (const { name, kind } of directory.list(below).entries) {
    const path = below === "." ? name : `${below}/${name}`;
    if (kind === "file") {
      const data = directory.read(path, { offset: 0, length: 1_000_000 });
      content.set(path, `file ${Buffer.from(data).toString()}`);
    } else content.set(path, kind);
    if (kind === "directory") for (const [key, value] of contentOfDirectory(directory, path)) content.set(key, value);
  }
  return content;
}

/** What such a handle shows of a tree. */
export function visible(content: Content): Content {
  const shown = [...content].map(([path, state]): [string, string] => {
    if (state.startsWith("link")) return [path, "link"];
    return [path, state.replace(/^file . /, "file ")];
  });
  return new Map(shown.sort());
}

/** Later than everything: nothing changed while a process ran. */
export const NEVER = 2n ** 70n;
export const bytes = (text: string): Buffer => Buffer.from(text);

/** A file that a process left, on its way to `path`. */
export function leave(bench: Bench, path: string, content: string, executable = false): Incoming {
  const source = join(bench.left, path.replaceAll("/", "-"));
  writeFileSync(source, content);
  return { kind: "file", path, source, executable };
}

/** Changes as one line each. */
export function summary(changes: readonly Change[]): readonly string[] {
  return changes.map(({ path, before, after, conflict }) =>
    [path, before.kind, after.kind, ...(conflict === undefined ? [] : [`conflict ${conflict.kind}`])].join(" "),
  );
}
