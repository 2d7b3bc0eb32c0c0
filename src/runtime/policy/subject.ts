import { existsSync } from "node:fs";
import { resolve as absolute } from "node:path";
import { type ResolvedBlueprint, resolveFromStore } from "../../blueprint/resolve.ts";
import type { Layer } from "../../capability/layer.ts";
import { openRecording } from "../../journal/recording.ts";
import { journalFile } from "../../journal/store.ts";
import { InputError } from "../../model/errors.ts";
import { findBlueprint } from "../catalog.ts";
import { type Environment, resolveDeps, runFolder, storeOf } from "../machine.ts";
import { layersOf, readHeader } from "../spec.ts";
import { aroundRun } from "./layers.ts";
import { LayersInForce } from "./permission.ts";

/** Whose permission is asked about. */
export interface Subject {
  /** `blueprint <name>@<version>` or `run <id>`. */
  readonly name: string;
  readonly resolved: ResolvedBlueprint;
  /** Of a run those that hold at the end of its journal; of a blueprint those that a run started now would have. */
  readonly layers: readonly Layer[];
  readonly depth: number;
}

export interface Asked {
  /** Id of a run, a blueprint's file, or its name in the catalog. */
  readonly of: string;
  /** A policy that is given for the run. */
  readonly policy?: string | undefined;
}

/**
 * Throws as reading a blueprint, a journal or a policy does, and `InputError` for a policy that is to be added to a run: what holds
 * for it was settled when it started.
 */
export async function subjectOf({ of, policy }: Asked, env: Environment): Promise<Subject> {
  const isRun = !existsSync(absolute(env.cwd, of)) && /^[A-Za-z0-9-]{1,64}$/.test(of) && hasJournal(of, env);
  if (!isRun) {
    const { resolved } = await findBlueprint(of, env);
    const { name, version } = resolved.agent;
    const around = await aroundRun({ policy }, env);
    return {
      name: `blueprint ${name}@${version}`,
      resolved,
      layers: layersOf(resolved, { inherited: [], around }),
      depth: 0,
    };
  }
  if (policy !== undefined) {
    throw new InputError({
      code: "run-settled",
      message: `\`--policy\` says nothing of run \`${of}\`: its policies were settled when it started`,
      hint: "ask about its blueprint instead",
    });
  }
  return runSubject(of, env);
}

function hasJournal(run: string, env: Environment): boolean {
  return existsSync(journalFile(runFolder(env, run)));
}

async function runSubject(run: string, env: Environment): Promise<Subject> {
  const inForce = new LayersInForce();
  const recording = openRecording(runFolder(env, run), ({ entry }) => inForce.see(entry));
  try {
    const header = readHeader(recording.header);
    const resolved = await resolveFromStore(header.source, resolveDeps(storeOf(env)));
    return {
      name: `run ${run}`,
      resolved,
      layers: inForce.layers ?? layersOf(resolved, header),
      depth: header.depth,
    };
  } finally {
    recording.close();
  }
}
