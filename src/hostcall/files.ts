import type { Journal, Receipt } from "../model/entry.ts";
import type { FileAction, PinnedHook } from "../model/hook.ts";
import type { Json, JsonObject } from "../model/json.ts";
import type { Permission } from "../model/tool.ts";
import type { Answer } from "./serve.ts";

/** The most that one `read` returns, in bytes. */
const MAX_READ_BYTES = 1 << 20;

/** What the file system does for hooks; every call is below a granted directory and happens inside a journaled input. */
export interface FileDriver {
  /**
   * `root` is the granted path in the workspace, `path` is relative to it and may not leave it.
   * Rejects with an error whose `code` and message the guest may see.
   */
  perform(request: FileRequest, signal: AbortSignal): Promise<Json>;
}
export interface FileRequest {
  readonly [key: string]: Json;
  readonly operation: FileOperation;
  readonly root: string;
  readonly path: string;
}
export type FileOperation = "list" | "stat" | "read" | "write" | "create-directory" | "remove" | "rename";

const NEEDS: Readonly<Record<FileOperation, FileAction>> = {
  list: "read",
  stat: "read",
  read: "read",
  write: "write",
  "create-directory": "write",
  remove: "write",
  rename: "write",
};

interface Handle {
  readonly hook: string;
  readonly level: number;
  readonly root: string;
  /** Relative to the root, in components that were checked. */
  readonly path: string;
  readonly actions: readonly FileAction[];
}

export interface HandleParts {
  readonly journal: Journal;
  readonly files: FileDriver;
  token(name: string): string;
  /** The entry that says which hooks were loaded on a level, with which grants: the receipt of what a hook does to files. */
  grants(level: number): Receipt;
  /** The run crashed during this, and nobody knows what came of it: the run pauses. */
  lost(what: string): void;
  /** Effective permission of the run for a path of the workspace; a grant to a hook never reaches beyond it. Pure. */
  permit(action: FileAction, path: string): Permission;
}

/** Directory handles: unguessable, bound to the instance of a hook that they were given to. A handle is authority; a path is not. */
export class Handles {
  readonly #parts: HandleParts;
  readonly #handles = new Map<string, Handle>();
  #granted = 0;

  constructor(parts: HandleParts) {
    this.#parts = parts;
  }

  /** The instance that held these handles is gone; the next one of the hook starts without any. */
  forget(hook: string, level: number): void {
    for (const [token, handle] of this.#handles) {
      if (handle.hook === hook && handle.level === level) this.#handles.delete(token);
    }
  }

  async serve(
    operation: string,
    request: JsonObject,
    at: { readonly hook: PinnedHook; readonly level: number },
  ): Promise<Answer> {
    if (operation === "open-root") return this.#openRoot(request.name, at);
    const handle = this.#handles.get(String(request.directory));
    if (handle === undefined || handle.hook !== at.hook.name || handle.level !== at.level) {
      return { error: "denied: that is not a directory handle of this hook" };
    }
    if (operation === "open-directory") return this.#openDirectory(handle, request.path);
    if (!isOperation(operation)) return { error: `there is no file operation \`${operation}\`` };
    if (!handle.actions.includes(NEEDS[operation]))
      return { error: `denied: the handle does not allow \`${NEEDS[operation]}\`` };
    return this.#perform(operation, handle, request);
  }

  #openRoot(name: Json | undefined, at: { readonly hook: PinnedHook; readonly level: number }): Answer {
    const grant = at.hook.authority.files.find((file) => file.name === name);
    if (grant === undefined) return { error: `denied: this hook has no grant for a directory of that name` };
    return this.#grant({ hook: at.hook.name, level: at.level, root: grant.path, path: "", actions: grant.actions });
  }

  async #openDirectory(handle: Handle, path: Json | undefined): Promise<Answer> {
    const below = join(handle.path, path);
    if (below === undefined) return { error: "denied: the path leaves its directory" };
    const stat = await this.#input("stat", handle, { path: below });
    if ("error" in stat) return stat;
    return this.#grant({ ...handle, path: below });
  }

  async #perform(operation: FileOperation, handle: Handle, request: JsonObject): Promise<Answer> {
    const path = join(handle.path, operation === "rename" ? request.source : request.path);
    if (path === undefined) return { error: "denied: the path leaves its directory" };
    const more: { [key: string]: Json } = { path };
    if (operation === "rename") {
      const target = join(handle.path, request.target);
      if (target === undefined) return { error: "denied: the path leaves its directory" };
      more.target = target;
    }
    if (operation === "read") {
      const { offset, length } = request;
      if (!isCount(offset) || !isCount(length)) return { error: "`offset` and `length` must be whole numbers" };
      more.offset = offset;
      more.length = Math.min(length, MAX_READ_BYTES);
    }
    if (operation === "write") {
      if (typeof request.data !== "string") return { error: "`data` must be base64" };
      more.data = request.data;
    }
    return this.#input(operation, handle, more);
  }

  async #input(operation: FileOperation, handle: Handle, more: { readonly [key: string]: Json }): Promise<Answer> {
    const paths = [more.path, more.target].filter((path) => typeof path === "string");
    // What is moved is read at its new place.
    const needed: readonly FileAction[] = operation === "rename" ? ["read", "write"] : [NEEDS[operation]];
    for (const path of paths) {
      for (const action of needed) {
        const permission = this.#parts.permit(action, below(handle.root, path));
        if (!permission.allow) return { error: `denied: ${permission.rule}: ${permission.reason}` };
      }
    }
    const request: FileRequest = { ...more, operation, root: handle.root, path: String(more.path) };
    const writes = NEEDS[operation] === "write";
    const outcome = await this.#parts.journal.input<Json>({
      kind: "input.file",
      ref: { hook: handle.hook, operation },
      request,
      ...(writes
        ? {
            effect: {
              receipt: this.#parts.grants(handle.level),
              clear: { hook: handle.hook },
              idempotent: operation === "write",
            },
          }
        : {}),
      perform: (signal) => this.#parts.files.perform(request, signal),
    });
    if (outcome.kind === "ok") return { ok: outcome.value };
    if (outcome.kind === "error") return { error: `${outcome.code}: ${outcome.message}` };
    this.#parts.lost(`\`${operation}\` of hook \`${handle.hook}\``);
    return { error: "outcome unknown" };
  }

  #grant(handle: Handle): Answer {
    this.#granted += 1;
    const token = this.#parts.token(`handle/${this.#granted}`);
    this.#handles.set(token, handle);
    return { ok: token };
  }
}

/** Joins by structure: components without `.`, `..`, empty ones, backslashes and NUL; undefined when the path is none of ours. */
function join(base: string, path: Json | undefined): string | undefined {
  if (typeof path !== "string" || !path.isWellFormed() || /[\\\0]/.test(path)) return undefined;
  if (path === "" || path === ".") return base;
  const components = path.split("/");
  if (components.some((part) => part === "" || part === "." || part === "..")) return undefined;
  return base === "" ? components.join("/") : `${base}/${components.join("/")}`;
}

/** The path in the workspace; both parts have been checked. */
function below(root: string, path: string): string {
  const parts = [root, path].filter((part) => part !== "" && part !== ".");
  return parts.length === 0 ? "." : parts.join("/");
}

function isOperation(name: string): name is FileOperation {
  return Object.hasOwn(NEEDS, name);
}

function isCount(value: Json | undefined): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
