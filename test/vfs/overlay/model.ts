import type { Content } from "./bench.ts";

/** A workspace and the merged tree over it, in memory: what an overlay has to amount to. Each operation says whether it is allowed. */
export class Model {
  base: Content;
  merged: Content;

  constructor(base: Content) {
    this.base = new Map(base);
    this.merged = new Map(base);
  }

  write(path: string, text: string): boolean {
    const old = this.merged.get(path);
    if (!this.#hasParent(path) || (old !== undefined && !old.startsWith("file"))) return false;
    this.merged.set(path, `file ${old?.[5] ?? "-"} ${text}`);
    return true;
  }

  createDirectory(path: string): boolean {
    if (!this.#hasParent(path) || this.merged.has(path)) return false;
    this.merged.set(path, "directory");
    return true;
  }

  remove(path: string): boolean {
    if (!this.merged.has(path) || below(this.merged, path).length > 1) return false;
    this.merged.delete(path);
    return true;
  }

  rename(source: string, target: string): boolean {
    const allowed = this.merged.has(source) && this.#hasParent(target) && !this.merged.has(target);
    if (!allowed || target.startsWith(`${source}/`)) return false;
    for (const [path, state] of below(this.merged, source)) {
      this.merged.set(target + path.slice(source.length), state);
      this.merged.delete(path);
    }
    return true;
  }

  /** Of a process: whatever is there goes first. */
  replace(path: string, state: string | undefined): boolean {
    if (state !== undefined && !this.#hasParent(path)) return false;
    for (const [gone] of below(this.merged, path)) this.merged.delete(gone);
    if (state !== undefined) this.merged.set(path, state);
    return true;
  }

  /** Paths of what differs. */
  changes(): readonly string[] {
    const paths = new Set([...this.base.keys(), ...this.merged.keys()]);
    return [...paths].filter((path) => this.base.get(path) !== this.merged.get(path)).sort();
  }

  /** Applies changes, with the directories that they need; the paths that were applied. */
  commit(only: string | undefined): readonly string[] {
    const applied = this.#chosen(only, (path) => this.merged.get(path) === "directory");
    copy(applied, this.merged, this.base);
    return applied;
  }

  /** Takes changes back, with the directories that what comes back needs. */
  discard(only: string | undefined): readonly string[] {
    const undone = this.#chosen(only, (path) => this.base.get(path) === "directory");
    copy(undone, this.base, this.merged);
    return undone;
  }

  #chosen(only: string | undefined, needed: (path: string) => boolean): readonly string[] {
    const all = this.changes();
    const chosen = all.filter((path) => only === undefined || path === only || path.startsWith(`${only}/`));
    const isAbove = (path: string) => chosen.some((other) => other.startsWith(`${path}/`));
    return all.filter((path) => chosen.includes(path) || (isAbove(path) && needed(path)));
  }

  #hasParent(path: string): boolean {
    const slash = path.lastIndexOf("/");
    return slash === -1 || this.merged.get(path.slice(0, slash)) === "directory";
  }
}

function below(content: Content, path: string): readonly (readonly [string, string])[] {
  return [...content].filter(([other]) => other === path || other.startsWith(`${path}/`));
}

function copy(paths: readonly string[], from: Content, to: Content): void {
  for (const path of paths) {
    const state = from.get(path);
    if (state === undefined) to.delete(path);
    else to.set(path, state);
  }
}
