import { fstatSync, readlinkSync } from "node:fs";
import { PinionError, UnfinishedError } from "../../model/errors.ts";
import type { FileAction } from "../../model/hook.ts";
import { ToolError } from "../../model/tool.ts";
import type { Directory, DirectoryLimits, Listing, NodeStat, OpenFile } from "../directory.ts";
import { failure, guarded } from "../failure.ts";
import { openHostFile } from "../file.ts";
import { parsePath } from "../path.ts";
import { descend, look, openRegular, toStat } from "../walk.ts";
import { type OpenAnchor, openAnchor } from "./anchor.ts";
import { createDirectory, remove, write } from "./edit.ts";
import { type Anchor, type Follower, isWithin, type Layer, missing, notDirectory, type Route } from "./layer.ts";
import { mergedListing } from "./listing.ts";
import { rename } from "./move.ts";

/** A directory of the merged tree. */
export class OverlayDirectory implements Directory, Follower {
  readonly actions: ReadonlySet<FileAction>;
  readonly #layer: Layer;
  readonly #limits: DirectoryLimits;
  #segments: readonly string[];
  #anchor: OpenAnchor | undefined;
  #state: "open" | "gone" | "closed" = "open";

  constructor(
    layer: Layer,
    at: {
      readonly segments: readonly string[];
      readonly actions: ReadonlySet<FileAction>;
      readonly limits: DirectoryLimits;
    },
  ) {
    this.#layer = layer;
    this.#segments = at.segments;
    this.actions = at.actions;
    this.#limits = at.limits;
    layer.handles.add(this);
  }

  hostPath(): string {
    throw new ToolError(
      "no-host-path",
      "a directory of an overlay is nowhere on the host; ask for the tree of a process",
    );
  }

  descriptor(): number {
    return Number(this.hostPath());
  }

  openDirectory(path: string): Directory {
    const route = this.#route("read", path);
    this.#requireDirectory(route, path);
    return new OverlayDirectory(this.#layer, {
      segments: route.segments,
      actions: this.actions,
      limits: this.#limits,
    });
  }

  openFile(path: string): OpenFile {
    const route = this.#route("read", path);
    if (route.segments.length === 0) throw failure("is-a-directory", path, "it is the directory itself");
    const { parent, name } = this.#layer.place({ ...route, anchor: this.#at() });
    using _ = parent;
    const { file, stats } = openRegular(parent, name, path);
    return openHostFile(file, toStat(stats), { path, bytes: this.#limits.bytes });
  }

  list(path: string): Listing {
    const route = this.#route("read", path);
    return guarded(path, () => mergedListing(this.#layer, route, this.#limits.entries));
  }

  stat(path: string): NodeStat {
    const route = this.#route("read", path);
    return guarded(path, () => this.#stat(route, path));
  }

  link(path: string): string {
    const route = this.#route("read", path);
    return guarded(path, () => {
      const { parent, name } = this.#layer.place(route);
      using _ = parent;
      return readlinkSync(parent.at(name));
    });
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
    if (data.length > this.#limits.bytes) {
      throw failure("too-large", path, `${data.length} bytes are more than the limit of ${this.#limits.bytes}`);
    }
    await this.#change(path, (route) => write(this.#layer, route, data));
  }

  async createDirectory(path: string): Promise<void> {
    await this.#change(path, (route) => createDirectory(this.#layer, route));
  }

  async remove(path: string): Promise<void> {
    await this.#change(path, (route) => remove(this.#layer, route));
  }

  async rename(source: string, target: string): Promise<void> {
    await this.#change(source, (route) => rename(this.#layer, route, this.#route("write", target)));
  }

  close(): void {
    this.#anchor?.close();
    this.#anchor = undefined;
    this.#state = "closed";
    this.#layer.handles.delete(this);
  }

  follow(source: readonly string[], target: readonly string[]): void {
    if (isWithin(this.#segments, source)) this.#segments = [...target, ...this.#segments.slice(source.length)];
  }

  end(path: readonly string[]): void {
    if (this.#state === "open" && isWithin(this.#segments, path)) this.#state = "gone";
  }

  /** The directory itself, kept open until something changes: most reads go through handles from which many files are read. */
  #at(): Anchor {
    if (this.#anchor?.generation === this.#layer.generation) return this.#anchor;
    this.#anchor?.close();
    this.#anchor = openAnchor(this.#layer, this.#segments);
    return this.#anchor;
  }

  async #change(path: string, action: (route: Route) => Promise<void>): Promise<void> {
    this.#route("write", path);
    // The directory may have been moved by the time that it is this change's turn.
    try {
      await this.#layer.exclusive(path, () => action(this.#route("write", path)));
    } catch (error) {
      if (error instanceof UnfinishedError) throw error;
      throw error instanceof PinionError ? failure("io", path, error.message) : error;
    }
  }

  #stat(route: Route, path: string): NodeStat {
    const { segments } = route;
    const found = this.#layer.find(route);
    if (found.held?.kind === "directory") return this.#statHeld(route);
    if (segments.length === 0) throw failure("is-a-directory", path, "it is the directory itself");
    const { parent, name } = this.#layer.place(route, found);
    using _ = parent;
    const stats = look(parent, name);
    if (stats === undefined) throw missing(path);
    return toStat(stats);
  }

  /** A directory that both have is the workspace's, so that it stays the same one when the layer takes a part of it over. */
  #statHeld(route: Route): NodeStat {
    const { places } = this.#layer;
    const found = this.#layer.find(route);
    using upper = descend(places.upper.fd, route.segments, route.unshown);
    const own = toStat(fstatSync(upper.fd, { bigint: true }));
    using base = found.open ? this.#layer.baseDirectory(route, found) : undefined;
    if (base === undefined) return own;
    const below = toStat(fstatSync(base.fd, { bigint: true }));
    return { ...below, stamp: `${below.stamp}+${own.stamp}` };
  }

  #requireDirectory(route: Route, path: string): void {
    const found = this.#layer.find(route);
    if (found.held?.kind === "directory") return;
    if (found.held !== undefined) throw notDirectory(found.held.kind, path);
    using directory = found.open ? this.#layer.baseDirectory(route, found) : undefined;
    if (directory === undefined) throw missing(path);
  }

  #route(action: FileAction, path: string): Route {
    if (this.#state === "closed") throw new ToolError("closed", "the directory handle is closed");
    if (!this.actions.has(action)) {
      const code = action === "write" ? "read-only" : "no-access";
      throw failure(code, path, `the directory was not opened for the action \`${action}\``);
    }
    const segments = parsePath(path);
    if (this.#state === "gone") throw missing(path);
    return { segments: [...this.#segments, ...segments], unshown: this.#segments.length };
  }
}
