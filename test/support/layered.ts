import { randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createJournal } from "../../src/journal/open.ts";
import { KERNEL_VERSION } from "../../src/kernel/version.ts";
import { openOverlay } from "../../src/vfs/overlay/open.ts";
import type { Overlay } from "../../src/vfs/overlay/overlay.ts";
import type { Shell } from "./cli.ts";

const QUOTA = { bytes: 1024 ** 3, files: 100_000 };
let count = 0;

/** A run of a user as a live one leaves it behind when it pauses: a journal with its sealed start, and perhaps a layer. */
export class LayeredRun {
  readonly run: string;
  readonly folder: string;
  readonly workspace: string;

  private constructor(run: string, { folder, workspace }: { readonly folder: string; readonly workspace: string }) {
    this.run = run;
    this.folder = folder;
    this.workspace = workspace;
  }

  static async of(
    shell: Shell,
    files: Readonly<Record<string, string | Uint8Array>>,
    options: { readonly mode?: "overlay" | "direct"; readonly parent?: string } = {},
  ): Promise<LayeredRun> {
    count += 1;
    const run = `20260101-000000-${count.toString(16).padStart(8, "0")}`;
    const state = join(shell.home, ".local/state/pinion");
    const made = new LayeredRun(run, {
      folder: join(state, "runs", run),
      workspace: join(shell.home, `work-${count}`),
    });
    mkdirSync(made.workspace, { recursive: true });
    for (const [path, content] of Object.entries(files)) made.put(path, content);
    const journal = await createJournal({
      folder: made.folder,
      keys: join(state, "keys"),
      clock: () => Date.UTC(2026, 0, 1),
      monotonic: () => 0,
      random: (length) => randomBytes(length),
      cancel: new AbortController().signal,
      header: {
        run,
        kernel: KERNEL_VERSION,
        depth: options.parent === undefined ? 0 : 1,
        layer: options.mode === "direct" ? null : (options.parent ?? run),
        agent: { name: "lab", version: "1.0.0" },
        ...(options.parent === undefined ? {} : { parent: options.parent }),
      },
    });
    await journal.input({
      kind: "input.start",
      ref: { run, depth: options.parent === undefined ? 0 : 1 },
      request: null,
      perform: () => Promise.resolve({ goal: "g", workspace: made.workspace, capsules: {}, seed: "00".repeat(32) }),
    });
    await journal.durable();
    await journal.close();
    return made;
  }

  /** Changes the workspace itself, as a person does. */
  put(path: string, content: string | Uint8Array, mode = 0o644): void {
    mkdirSync(dirname(join(this.workspace, path)), { recursive: true });
    writeFileSync(join(this.workspace, path), content);
    chmodSync(join(this.workspace, path), mode);
  }

  link(path: string, target: string): void {
    symlinkSync(target, join(this.workspace, path));
  }

  get key(): string {
    return join(dirname(dirname(this.folder)), "keys", `${this.run}.key`);
  }

  get layer(): string {
    return join(this.folder, "overlay");
  }

  /** Lets something work in the layer, as the run's tools do. */
  async inLayer(work: (overlay: Overlay) => Promise<void>): Promise<void> {
    const overlay = await openOverlay({ base: this.workspace, folder: this.layer, quota: QUOTA });
    try {
      await work(overlay);
    } finally {
      overlay.close();
    }
  }

  /** Writes and removes (`null`) files in the layer. */
  async change(files: Readonly<Record<string, string | Uint8Array | null>>): Promise<void> {
    await this.inLayer(async (overlay) => {
      const tree = overlay.open(["read", "write"]);
      try {
        for (const [path, content] of Object.entries(files)) {
          if (content === null) await tree.remove(path);
          else {
            for (let at = path.indexOf("/"); at !== -1; at = path.indexOf("/", at + 1)) {
              await tree.createDirectory(path.slice(0, at)).catch((error: unknown) => {
                if (!(error instanceof Error && "code" in error && error.code === "exists")) throw error;
              });
            }
            await tree.write(path, Buffer.from(content as string));
          }
        }
      } finally {
        tree.close();
      }
    });
  }
}
