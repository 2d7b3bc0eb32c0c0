import type { Journal, Outcome, Receipt } from "../model/entry.ts";
import type { FileAction } from "../model/hook.ts";
import { isJsonObject, type Json, type JsonObject } from "../model/json.ts";
import type { Permission } from "../model/tool.ts";
import { type Handle, HandleTable } from "./handles.ts";
import { below, join } from "./paths.ts";
import { Quotas } from "./quota.ts";
import { type Answer, type Asker, refuse } from "./refusal.ts";

/** The most that one `read` returns, in bytes. */
const MAX_READ_BYTES = 1 << 20;

/** What the file system does for hooks; every call is below a granted directory and happens inside a journaled input. */
export interface FileDriver {
  /**
   * `root` is the granted path in the workspace, `path` is relative to it and may not leave it. Answers `list` with at most
   * 10,000 entries `{name, kind, size}`, `stat` with one of them, `read` with base64, `look` with whether anything has that
   * name, everything else with null. Rejects with an error whose `code` and message the guest may see.
   */
  perform(request: FileRequest, signal: AbortSignal): Promise<Json>;
}
export interface FileRequest {
  readonly [key: string]: Json;
  /** `look` is the kernel's own, before something may be created. */
  readonly operation: FileOperation | "look";
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

/** One call, as far as it has been checked. */
interface Wish {
  readonly call: FileOperation | "open-directory";
  readonly operation: FileOperation;
  readonly handle: Handle;
  readonly path: string;
  /** What the request says beyond operation, root and path. */
  readonly more: JsonObject;
  /** Bytes that it writes. */
  readonly bytes: number;
}

/** Hooks' file hostcalls. A handle is authority; a path is not. */
export class Handles {
  readonly #parts: HandleParts;
  readonly #quotas: Quotas;
  readonly #table: HandleTable;

  constructor(parts: HandleParts) {
    this.#parts = parts;
    this.#quotas = new Quotas(parts.journal);
    this.#table = new HandleTable((name) => parts.token(name));
  }

  forget(hook: string, level: number): void {
    this.#table.forget(hook, level);
  }

  revoke(hook: string): void {
    this.#table.revoke(hook);
  }

  async serve(operation: string, request: JsonObject, at: Asker): Promise<Answer> {
    const call = `files.${operation}`;
    const deny = (reason: string): Answer => refuse(this.#parts.journal, at, { call, reason });
    if (this.#table.isRevoked(at.hook.name)) return deny("revoked");
    if (operation === "open-root") return this.#openRoot(request.name, at, deny);
    const handle = this.#table.find(request.directory, at);
    if (handle === undefined) return deny("that is not a directory handle of this hook");
    if (operation !== "open-directory" && !isOperation(operation)) {
      return { error: `there is no file operation \`${operation}\`` };
    }
    if (operation !== "open-directory" && !handle.actions.includes(NEEDS[operation])) {
      return deny(`the handle does not allow \`${NEEDS[operation]}\``);
    }
    const wish = wishOf(operation, handle, request);
    if (wish === undefined) return deny("the path leaves its directory");
    if ("error" in wish) return wish;
    const denied = this.#denied(wish, at);
    if (denied !== undefined) return denied;
    if (operation === "open-directory") return this.#openDirectory(wish);
    return wish.operation === "write" || wish.operation === "create-directory"
      ? this.#create(wish)
      : this.#answer(wish, await this.#perform(wish));
  }

  #openRoot(name: Json | undefined, at: Asker, deny: (reason: string) => Answer): Answer {
    const grant = at.hook.authority.files.find((file) => file.name === name);
    if (grant === undefined) return deny("this hook has no grant for a directory of that name");
    return this.#grant({ hook: at.hook, level: at.level, root: grant.path, path: "", actions: grant.actions });
  }

  async #openDirectory(wish: Wish): Promise<Answer> {
    const stat = this.#answer(wish, await this.#perform(wish));
    if ("error" in stat) return stat;
    const { kind } = isJsonObject(stat.ok) ? stat.ok : {};
    if (kind !== "directory") return { error: "not-a-directory: it is not a directory" };
    return this.#grant({ ...wish.handle, path: wish.path });
  }

  /** A grant to a hook is worth no more than what the run itself may do there. */
  #denied({ call, operation, handle, path, more }: Wish, at: Asker): Answer | undefined {
    const paths = typeof more.target === "string" ? [path, more.target] : [path];
    // What is moved is read at its new place.
    const needed: readonly FileAction[] = operation === "rename" ? ["read", "write"] : [NEEDS[operation]];
    for (const path of paths) {
      for (const action of needed) {
        const { allow, rule, reason } = this.#parts.permit(action, below(handle.root, path));
        // The reason holds the path, which the guest chose.
        if (!allow) {
          return refuse(this.#parts.journal, at, {
            call: `files.${call}`,
            reason: rule,
            told: `${rule}: ${reason}`,
          });
        }
      }
    }
    return undefined;
  }

  /**
   * What may create something. Whether it does is a fact of the world, so it is looked up and recorded first: after a crash
   * in the middle of the effect, which may have created it, the count is still the same.
   */
  async #create(wish: Wish): Promise<Answer> {
    const { hook } = wish.handle;
    const tooMuch = this.#quotas.refusal(hook, "fileBytes", wish.bytes);
    if (tooMuch !== undefined) return tooMuch;
    const look = await this.#perform({ ...wish, more: {} }, "look");
    if (look.kind !== "ok") return this.#answer(wish, look);
    const creates = look.value === false;
    const tooMany = creates ? this.#quotas.refusal(hook, "files", 1) : undefined;
    if (tooMany !== undefined) return tooMany;
    this.#quotas.count(hook, "fileBytes", wish.bytes);
    const outcome = await this.#perform(wish);
    if (creates && outcome.kind !== "error") this.#quotas.count(hook, "files", 1);
    return this.#answer(wish, outcome);
  }

  #perform(wish: Wish, operation: FileOperation | "look" = wish.operation): Promise<Outcome> {
    const { handle, path, more } = wish;
    const hook = handle.hook.name;
    const request: FileRequest = { ...more, operation, root: handle.root, path };
    const receipt = operation !== "look" && NEEDS[operation] === "write" ? this.#parts.grants(handle.level) : undefined;
    return this.#parts.journal.input<Json>({
      kind: "input.file",
      ref: { hook, operation },
      request,
      ...(receipt === undefined ? {} : { effect: { receipt, clear: { hook }, idempotent: operation === "write" } }),
      perform: (signal) => this.#parts.files.perform(request, signal),
    });
  }

  #answer({ operation, handle }: Wish, outcome: Outcome): Answer {
    if (outcome.kind === "ok") return { ok: outcome.value };
    if (outcome.kind === "error") return { error: `${outcome.code}: ${outcome.message}` };
    this.#parts.lost(`\`${operation}\` of hook \`${handle.hook.name}\``);
    return { error: "outcome unknown" };
  }

  #grant(handle: Handle): Answer {
    return { ok: this.#table.grant(handle) };
  }
}

/** What is asked for, undefined when a path leaves its directory. */
function wishOf(
  call: FileOperation | "open-directory",
  handle: Handle,
  request: JsonObject,
): Wish | { readonly error: string } | undefined {
  const operation = call === "open-directory" ? "stat" : call;
  const path = join(handle.path, operation === "rename" ? request.source : request.path);
  if (path === undefined) return undefined;
  const wish = { call, operation, handle, path, more: {}, bytes: 0 };
  if (operation === "rename") {
    const target = join(handle.path, request.target);
    return target === undefined ? undefined : { ...wish, more: { target } };
  }
  if (operation === "read") {
    const { offset, length } = request;
    if (!isCount(offset) || !isCount(length)) return { error: "`offset` and `length` must be whole numbers" };
    return { ...wish, more: { offset, length: Math.min(length, MAX_READ_BYTES) } };
  }
  if (operation === "write") {
    const { data } = request;
    if (typeof data !== "string") return { error: "`data` must be base64" };
    return { ...wish, more: { data }, bytes: Buffer.byteLength(data, "base64") };
  }
  return wish;
}

function isOperation(name: string): name is FileOperation {
  return Object.hasOwn(NEEDS, name);
}

function isCount(value: Json | undefined): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
