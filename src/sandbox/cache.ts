import { createHmac, timingSafeEqual } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Digest } from "../model/canonical.ts";
import { asBuilt, type Component } from "./component.ts";

const MAC_BYTES = 32;
let written = 0;

export interface ComponentCacheOptions {
  readonly directory: string;
  /** 32 bytes that only this user has. */
  readonly key: Uint8Array;
  /** What made the entries: others are not looked at. */
  readonly maker: string;
  readonly onWarning: (message: string) => void;
}

/**
 * Components as code, one file each: `HMAC-SHA256 | u32le length of the head | head (JSON) | body`. The MAC covers
 * the length and the head, and the head names the component, the maker, and the digest of every file in the body, so an entry
 * that was edited, swapped or cut is not used: it is thrown away with a warning and made again.
 */
export class ComponentCache {
  readonly #options: ComponentCacheOptions;

  constructor(options: ComponentCacheOptions) {
    this.#options = options;
  }

  async read(component: Digest): Promise<(Component & { readonly ok: true }) | undefined> {
    const path = this.#path(component);
    const entry = await readFile(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOENT")
        this.#options.onWarning(`the cached component \`${path}\` cannot be read: ${error.message}`);
      return undefined;
    });
    if (entry === undefined) return undefined;
    const found = this.#open(entry, component);
    if (found) return found;
    this.#options.onWarning(`the cached component \`${path}\` was changed after it was written: it is made again`);
    await rm(path, { force: true });
    return undefined;
  }

  /** Whole or not at all. A cache that cannot be written is a warning, not an error. */
  async write(component: Digest, code: Component & { readonly ok: true }): Promise<void> {
    const path = this.#path(component);
    written += 1;
    const partial = `${path}.${process.pid}.${written}.partial`;
    const head = Buffer.from(
      JSON.stringify({ ok: true, component, maker: this.#options.maker, world: code.world, files: code.files }),
    );
    const length = Buffer.alloc(4);
    length.writeUInt32LE(head.length);
    const named = Buffer.concat([length, head]);
    try {
      await mkdir(this.#options.directory, { recursive: true, mode: 0o700 });
      await writeFile(partial, [this.#mac(named), named, code.body], { mode: 0o600, flag: "wx" });
      await rename(partial, path);
    } catch (error) {
      // There may be none, nor a folder for it; why is in `error`.
      await rm(partial, { force: true }).catch(() => undefined);
      const reason = error instanceof Error ? error.message : String(error);
      this.#options.onWarning(`the component could not be cached as \`${path}\`: ${reason}`);
    }
  }

  #open(entry: Buffer, component: Digest): (Component & { readonly ok: true }) | undefined {
    const content = entry.subarray(MAC_BYTES);
    if (content.length < 4) return undefined;
    const end = 4 + content.readUInt32LE(0);
    const named = content.subarray(0, end);
    if (!timingSafeEqual(entry.subarray(0, MAC_BYTES), this.#mac(named))) return undefined;
    const head = JSON.parse(named.toString("utf8", 4));
    if (head.component !== component || head.maker !== this.#options.maker) return undefined;
    const code = asBuilt(head, content.subarray(end));
    if (!code?.ok || code.files.some(({ digest }, index) => digest !== head.files[index].digest)) return undefined;
    return code;
  }

  #mac(content: Uint8Array): Buffer {
    return createHmac("sha256", this.#options.key).update(content).digest();
  }

  #path(component: Digest): string {
    return join(this.#options.directory, `${component.slice("sha256:".length)}-${this.#options.maker}`);
  }
}
