import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { pinFile } from "../../scripts/pin.ts";
import { type ArtifactStore, openStore } from "../../src/artifact/store.ts";
import { type Fault, InvalidFileError, PinMismatchError } from "../../src/blueprint/fault.ts";
import { loadBlueprint } from "../../src/blueprint/load.ts";
import { type ResolvedBlueprint, resolveBlueprint } from "../../src/blueprint/resolve.ts";

/** A folder that is removed after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "pinion-blueprint-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A copy of the sample agent that a test may spoil. */
export interface Sample {
  readonly root: string;
  readonly folder: string;
  readonly installation: string;
  readonly blueprint: string;
  readonly store: ArtifactStore;
  readonly deps: { readonly artifacts: ArtifactStore; readonly installation: string };
  /** Replaces text in a file of the agent; the text must be there. */
  edit(file: string, from: string | RegExp, to: string | ((found: string) => string)): void;
  /** Writes all pins anew after an edit that is meant. */
  repin(): Promise<void>;
  resolve(): Promise<ResolvedBlueprint>;
}

export function sampleAgent(): Sample {
  const root = temporaryFolder();
  cpSync(join(import.meta.dirname, "fixtures"), root, { recursive: true });
  const folder = join(root, "agent");
  const installation = join(root, "installation");
  const blueprint = join(folder, "blueprint.yaml");
  const store = openStore({ root: join(root, "store") });
  const deps = { artifacts: store, installation };
  return {
    root,
    folder,
    installation,
    blueprint,
    store,
    deps,
    edit(file, from, to) {
      const path = join(folder, file);
      const text = readFileSync(path, "utf8");
      const changed = typeof to === "string" ? text.replace(from, to) : text.replace(from, to);
      if (changed === text) throw new Error(`nothing to replace in ${file}`);
      writeFileSync(path, changed);
    },
    async repin() {
      await pinFile(blueprint, installation);
    },
    async resolve() {
      return resolveBlueprint(await loadBlueprint(blueprint), deps);
    },
  };
}

/** The faults that an action is refused for. */
export async function faultsOf(action: () => unknown): Promise<readonly Fault[]> {
  try {
    await action();
  } catch (error) {
    if (error instanceof InvalidFileError || error instanceof PinMismatchError) return error.faults;
    throw error;
  }
  return [];
}

export async function messagesOf(action: () => unknown): Promise<readonly string[]> {
  return (await faultsOf(action)).map(({ message }) => message);
}
