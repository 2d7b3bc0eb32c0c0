import { existsSync, statSync } from "node:fs";
import { readRunKey } from "../journal/keys.ts";
import { openRecording } from "../journal/recording.ts";
import { journalFile } from "../journal/store.ts";
import type { Start } from "../kernel/run.ts";
import { isDigest } from "../model/canonical.ts";
import { InputError } from "../model/errors.ts";
import { isJsonObject, type JsonObject } from "../model/json.ts";
import { lookAtSource, mustBeRun, readStart, type SourceFile } from "./begun.ts";
import { type HeldChanges, heldChanges } from "./held.ts";
import { type Environment, keyFile, runFolder } from "./machine.ts";
import { approvalsBelow, type PendingApproval } from "./pending.ts";
import { agentIn, childrenByParent, isOver, rowOf, type SeenState } from "./runs.ts";
import { numbersIn, Told } from "./told.ts";

/** What `pinion run status` tells. Everything is read from the journal, which is verified as a whole. */
export interface RunStatus {
  readonly run: string;
  readonly state: SeenState;
  readonly reason: string;
  readonly agent: string;
  /** Digest of the blueprint that the run is pinned to. */
  readonly blueprint: string;
  /** What has become of the blueprint's file; `sealed` where the run's key is gone, null for a child. */
  readonly source: SourceFile | "sealed";
  readonly workspace: string | null;
  readonly step: number;
  /** The effect that has been announced and has no outcome: its kind, and what it is about. */
  readonly waiting: { readonly kind: string; readonly about: JsonObject } | null;
  /** As the last boundary counted; the members that have a limit are named as it is. Times in ms. */
  readonly usage: Readonly<Record<string, number>>;
  readonly limits: Readonly<Record<string, number>>;
  /** Hooks that failed and have not been re-armed. */
  readonly failed: readonly { readonly hook: string; readonly cause: string }[];
  /** Hooks whose directory handles were revoked. */
  readonly revoked: readonly string[];
  /** Hooks that were trusted when the run started, and whose signature they bear; the others are sandboxed. */
  readonly signed: readonly { readonly hook: string; readonly signer: string; readonly key: string }[];
  /** Of these, the ones that are trusted no more; the run does not go on until they are again. */
  readonly distrusted: readonly string[];
  readonly parent: string | null;
  readonly children: readonly { readonly run: string; readonly state: SeenState; readonly agent: string }[];
  readonly process: number | null;
  readonly journal: { readonly file: string; readonly bytes: number; readonly entries: number; readonly torn: number };
  /** What waits for a person to approve, its own and its children's. */
  readonly approvals: readonly PendingApproval[];
  /** Only where the run has a layer of its own that holds something. */
  readonly changes?: HeldChanges;
  /** ms since the epoch: of the first entry, and of the last answer of the world. */
  readonly startedAt: number | null;
  readonly lastAt: number | null;
}

/** Throws `InputError` when there is no such run, `DamagedError` when its journal is damaged. */
export async function statusOf(run: string, env: Environment): Promise<RunStatus> {
  const folder = runFolder(env, mustBeRun(run));
  const file = journalFile(folder);
  if (!existsSync(file)) {
    const hint = "`pinion run list` names them";
    throw new InputError({ code: "no-such-run", message: `there is no run \`${run}\` in \`${folder}\``, hint });
  }
  const recording = openRecording(folder);
  try {
    const { header, count, torn } = recording;
    const told = new Told();
    for (const { entry } of recording.entries()) told.hear(entry);
    const row = rowOf(run, env);
    const begun = await startOf(folder, run, env);
    const changes = await heldChanges(run, env);
    return {
      run,
      state: row.state,
      reason: row.reason,
      agent: agentIn(header),
      blueprint: String(header.blueprint),
      source: begun === undefined || !isDigest(header.source) ? "sealed" : await lookAtSource(begun, header.source),
      workspace: begun?.workspace ?? null,
      step: told.step,
      waiting: row.state === "running" || row.state === "interrupted" ? told.waiting : null,
      usage: told.usage,
      limits: told.limits ?? numbersIn(header.limits),
      failed: [...told.failed].map(([hook, cause]) => ({ hook, cause })),
      revoked: [...told.revoked],
      signed: signedIn(header),
      distrusted: [...told.distrusted],
      parent: row.parent,
      children: ((await childrenByParent(env)).get(run) ?? []).map((child) => {
        const { state, agent } = rowOf(child, env);
        return { run: child, state, agent };
      }),
      process: row.process,
      approvals: isOver(row.state) ? [] : await approvalsBelow(run, env),
      journal: { file, bytes: statSync(file).size, entries: count, torn },
      ...(changes === undefined ? {} : { changes }),
      startedAt: told.startedAt,
      lastAt: told.lastAt,
    };
  } finally {
    recording.close();
  }
}

function signedIn({ trust }: JsonObject): RunStatus["signed"] {
  return Object.entries(isJsonObject(trust) ? trust : {}).map(([hook, signer]) => {
    const { id, key } = isJsonObject(signer) ? signer : {};
    return { hook, signer: String(id), key: String(key) };
  });
}

/** Undefined where its key is gone, and for one that never began. */
async function startOf(folder: string, run: string, env: Environment): Promise<Start | undefined> {
  try {
    return await readStart(openRecording(folder), readRunKey(keyFile(env, run)));
  } catch (error) {
    if (error instanceof InputError) return undefined;
    throw error;
  }
}
