import { existsSync } from "node:fs";
import { InputError } from "../model/errors.ts";
import { readChanges } from "./changes.ts";
import type { Environment } from "./machine.ts";
import { layerFolder } from "./workspace.ts";

/** What the layer of a run over its workspace holds and nobody has committed or discarded. */
export interface HeldChanges {
  /** Paths that are changed; null where it cannot be told, since the workspace is gone or its path sealed. */
  readonly paths: number | null;
  /** Bytes of the files among them. */
  readonly bytes: number | null;
}

/** Undefined for a run without a layer of its own, or with an empty one. Throws `IntegrityError` for a damaged layer. */
export async function heldChanges(run: string, env: Environment): Promise<HeldChanges | undefined> {
  if (!existsSync(layerFolder(env, run))) return undefined;
  try {
    const { changes, close } = await readChanges({ run }, env);
    close();
    if (changes.length === 0) return undefined;
    const bytes = changes.reduce((sum, { after }) => sum + (after.kind === "file" ? after.size : 0), 0);
    return { paths: changes.length, bytes };
  } catch (error) {
    if (error instanceof InputError) return { paths: null, bytes: null };
    throw error;
  }
}
