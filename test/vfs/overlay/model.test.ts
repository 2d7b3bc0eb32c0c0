import { chmodSync, lstatSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { digestOf } from "../../../src/model/canonical.ts";
import type { Directory } from "../../../src/vfs/directory.ts";
import type { FileState, Incoming, Overlay } from "../../../src/vfs/overlay/overlay.ts";
import { runs, seed } from "../../support/property.ts";
import { Bench, type Content, contentOfDirectory, contentOfFolder, visible } from "./bench.ts";
import { Model } from "./model.ts";

const START: Content = new Map([
  ["a", "directory"],
  ["a/a", "directory"],
  ["a/a/a", "file - one"],
  ["a/a/b", "file x two"],
  ["a/b", "file - three"],
  ["b", "directory"],
  ["b/a", "file - four"],
  ["b/c", "link a"],
  ["c", "file x five"],
]);

const TIME = { timeout: runs(120_000, 3_600_000) };
/** Later than everything: nothing changed while a process ran. */
const NEVER = 2n ** 70n;

const name = fc.constantFrom("a", "b", "c", "d");
const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join("/"));
const only = fc.option(path, { nil: undefined });
const text = fc.constantFrom("", "one", "two", "something longer");
const arrival = fc.oneof(
  fc.constant(undefined),
  fc.constant("directory"),
  fc.constant("link d"),
  fc.tuple(fc.constantFrom("-", "x"), text).map(([x, text]) => `file ${x} ${text}`),
);
const operation = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("write" as const), path, text }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("remove" as const), path }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("createDirectory" as const), path }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("rename" as const), path, target: path }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("absorb" as const),
      items: fc.array(fc.tuple(path, arrival), { maxLength: 4 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("commit" as const), only }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("discard" as const), only }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("reopen" as const) }) },
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

function build(folder: string, content: Content): void {
  for (const [path, state] of [...content].sort()) {
    const full = join(folder, path);
    if (state === "directory") mkdirSync(full);
    else if (state.startsWith("link ")) symlinkSync(state.slice(5), full);
    else {
      writeFileSync(full, state.slice(7));
      if (state[5] === "x") chmodSync(full, 0o755);
    }
  }
}

class Trial {
  readonly bench = new Bench();
  readonly model = new Model(START);
  overlay!: Overlay;
  root!: Directory;
  #left = 0;

  async start(): Promise<void> {
    this.overlay = await this.bench.open();
    this.root = this.overlay.open(["read", "write"]);
  }

  async perform(operation: Operation): Promise<void> {
    const { model, root, overlay } = this;
    switch (operation.kind) {
      case "write":
        return this.#expect(
          model.write(operation.path, operation.text),
          root.write(operation.path, Buffer.from(operation.text)),
        );
      case "createDirectory":
        return this.#expect(model.createDirectory(operation.path), root.createDirectory(operation.path));
      case "remove":
        return this.#expect(model.remove(operation.path), root.remove(operation.path));
      case "rename":
        return this.#expect(
          model.rename(operation.path, operation.target),
          root.rename(operation.path, operation.target),
        );
      case "absorb":
        return await overlay.absorb(this.#incoming(operation.items), NEVER);
      case "commit": {
        const { applied, refused } = await overlay.commit(
          operation.only === undefined ? {} : { only: [operation.only] },
        );
        expect(refused).toEqual([]);
        expect(applied.map(({ path }) => path).sort()).toEqual(model.commit(operation.only));
        return;
      }
      case "discard": {
        const undone = await overlay.discard(operation.only === undefined ? undefined : [operation.only]);
        expect(undone.map(({ path }) => path)).toEqual(model.discard(operation.only));
        return;
      }
      case "reopen":
        this.bench.closeAll();
        return await this.start();
    }
  }

  /** The same where nobody knows what comes of it. */
  async attempt(operation: Operation): Promise<void> {
    const { root, overlay } = this;
    const refused = (error: unknown) => expect(error).toMatchObject({ name: "ToolError" });
    if (operation.kind === "write") await root.write(operation.path, Buffer.from(operation.text)).catch(refused);
    else if (operation.kind === "createDirectory") await root.createDirectory(operation.path).catch(refused);
    else if (operation.kind === "remove") await root.remove(operation.path).catch(refused);
    else if (operation.kind === "rename") await root.rename(operation.path, operation.target).catch(refused);
    else if (operation.kind === "absorb") await overlay.absorb(this.#incoming(operation.items), NEVER).catch(refused);
    else if (operation.kind === "commit")
      await overlay.commit(operation.only === undefined ? {} : { only: [operation.only] });
    else if (operation.kind === "discard")
      await overlay.discard(operation.only === undefined ? undefined : [operation.only]);
    else {
      this.bench.closeAll();
      await this.start();
    }
  }

  check(): void {
    const { model, bench, overlay } = this;
    expect(visible(contentOfDirectory(this.root))).toEqual(visible(model.merged));
    expect(new Map([...contentOfFolder(bench.workspace)].sort())).toEqual(new Map([...model.base].sort()));
    const changes = overlay.changes();
    expect(changes.map(({ path }) => path)).toEqual(model.changes());
    for (const change of changes) {
      expect(change.conflict).toBeUndefined();
      this.#checkSide(change.before, model.base.get(change.path), () => overlay.content(change, "before", 1000));
      this.#checkSide(change.after, model.merged.get(change.path), () => overlay.content(change, "after", 1000));
    }
    const held = contentOfFolder(join(bench.folder, "upper"));
    const bytes = [...held.values()].map((state) => (state.startsWith("file") ? state.length - 7 : 0));
    expect(overlay.used).toEqual({ files: held.size, bytes: bytes.reduce((sum, size) => sum + size, 0) });
    this.#checkLayers(held);
  }

  /** A process that is shown workspace, `upper` and `hidden` sees the merged tree. */
  #checkLayers(upper: Content): void {
    const shown = new Map(contentOfFolder(this.bench.workspace));
    const drop = (path: string) => {
      for (const other of [...shown.keys()]) if (other === path || other.startsWith(`${path}/`)) shown.delete(other);
    };
    for (const path of this.overlay.hidden()) drop(path);
    for (const [path, state] of upper) {
      if (state !== "directory" || shown.get(path) !== "directory") drop(path);
      shown.set(path, state);
    }
    expect(new Map([...shown].sort())).toEqual(new Map([...this.model.merged].sort()));
  }

  #checkSide(
    state: { readonly kind: string },
    expected: string | undefined,
    content: () => Uint8Array | undefined,
  ): void {
    const kind = expected?.split(" ")[0] ?? "nothing";
    expect(state.kind).toBe(kind);
    if (kind === "link") expect(state).toEqual({ kind, target: expected?.slice(5) });
    if (kind !== "file") return;
    expect(state).toMatchObject({ executable: expected?.[5] === "x" });
    expect(Buffer.from(content() ?? "nothing").toString()).toBe(expected?.slice(7));
  }

  async #expect(allowed: boolean, action: Promise<void>): Promise<void> {
    const found = await action.then(
      () => true,
      (error: { code?: unknown }) => {
        expect(error).toMatchObject({ name: "ToolError" });
        return false;
      },
    );
    expect(found).toBe(allowed);
  }

  /** What comes in, path by path from above; the model takes it on the way. A directory replaces what is there, or is opaque. */
  #incoming(items: readonly (readonly [string, string | undefined])[]): readonly Incoming[] {
    const incoming: Incoming[] = [];
    for (const [path, state] of [...new Map(items)].sort(([a], [b]) => (a < b ? -1 : 1))) {
      if (!this.model.replace(path, state)) continue;
      incoming.push(this.#arrival(path, state));
    }
    return incoming;
  }

  #arrival(path: string, state: string | undefined): Incoming {
    if (state === undefined) return { kind: "nothing", path };
    if (state === "directory") return { kind: "directory", path, opaque: true };
    if (state.startsWith("link ")) return { kind: "link", path, target: state.slice(5) };
    this.#left += 1;
    const source = join(this.bench.left, String(this.#left));
    writeFileSync(source, state.slice(7));
    return { kind: "file", path, source, executable: state[5] === "x" };
  }
}

const user = fc.record({ kind: fc.constant("user" as const), path, state: arrival });

/** Somebody at work in the workspace: a file, link, directory or nothing comes to a path that is in a directory. */
function work(workspace: string, at: string, state: string | undefined): void {
  const above = at.split("/").slice(0, -1);
  const isDirectory = (_: string, index: number) =>
    lstatSync(join(workspace, ...above.slice(0, index + 1)), { throwIfNoEntry: false })?.isDirectory() === true;
  if (!above.every(isDirectory)) return;
  rmSync(join(workspace, at), { recursive: true, force: true });
  if (state !== undefined) build(workspace, new Map([[at, state]]));
}

/** A state as the tests write it, as far as a change tells it. */
function told(state: FileState): string {
  if (state.kind === "file") return `file ${state.executable ? "x" : "-"} ${state.digest}`;
  return state.kind === "link" ? `link ${state.target}` : state.kind;
}

function digested(state: string | undefined): string {
  if (state === undefined) return "nothing";
  return state.startsWith("file") ? `${state.slice(0, 7)}${digestOf(state.slice(7))}` : state;
}

test(
  "H15 whatever somebody does in the workspace meanwhile, a commit only replaces what was there when the run changed it",
  TIME,
  async () => {
    const mixed = fc.array(fc.oneof({ weight: 2, arbitrary: operation }, { weight: 1, arbitrary: user }), {
      minLength: 2,
      maxLength: 12,
    });
    let conflicts = 0;
    await fc.assert(
      fc.asyncProperty(mixed, async (operations) => {
        const trial = new Trial();
        try {
          build(trial.bench.workspace, START);
          await trial.start();
          for (const operation of operations) {
            if (operation.kind === "user") work(trial.bench.workspace, operation.path, operation.state);
            else await trial.attempt(operation);
          }
          const before = contentOfFolder(trial.bench.workspace);
          const changes = new Map(trial.overlay.changes().map((change) => [change.path, change]));
          const { applied, refused } = await trial.overlay.commit({});
          const after = contentOfFolder(trial.bench.workspace);
          for (const path of new Set([...before.keys(), ...after.keys()])) {
            if (before.get(path) === after.get(path)) continue;
            const change = changes.get(path);
            expect(change?.conflict, path).toBeUndefined();
            expect(change && told(change.before), path).toBe(digested(before.get(path)));
            expect(change && told(change.after), path).toBe(digested(after.get(path)));
          }
          const failed = refused.map(({ change }) => change.path);
          for (const { path, conflict } of changes.values()) {
            if (conflict !== undefined) expect(failed).toContain(path);
          }
          for (const { path, after: state } of applied) expect(digested(after.get(path)), path).toBe(told(state));
          expect(trial.overlay.changes().map(({ path }) => path)).toEqual(failed.sort());
          conflicts += failed.length;
        } finally {
          trial.bench.close();
        }
      }),
      { seed, numRuns: runs(40, 5_000) },
    );
    expect(conflicts).toBeGreaterThan(0);
  },
);

test(
  "whatever is done to an overlay, it is a workspace and a merged tree, and changes are the difference",
  TIME,
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { minLength: 1, maxLength: 14 }), async (operations) => {
        const trial = new Trial();
        try {
          build(trial.bench.workspace, START);
          await trial.start();
          for (const operation of operations) {
            await trial.perform(operation);
            trial.check();
          }
          trial.bench.closeAll();
          await trial.start();
          trial.check();
        } finally {
          trial.bench.close();
        }
      }),
      { seed, numRuns: runs(40, 5_000) },
    );
  },
);
