import { existsSync } from "node:fs";
import { parseBlueprint } from "../blueprint/load.ts";
import { resolveFromStore } from "../blueprint/resolve.ts";
import type { Layer } from "../capability/layer.ts";
import { readRunKey, runKeyFile } from "../journal/keys.ts";
import { holderOf } from "../journal/lock.ts";
import { type Resumed, resumeJournal } from "../journal/open.ts";
import type { Repair } from "../journal/repair.ts";
import type { Control, Entry } from "../model/entry.ts";
import { BugError, InputError } from "../model/errors.ts";
import type { Secrets } from "../tool/ports.ts";
import { mustBeRun, neverStarted, readStart, sourceNotices, wasNeverStarted } from "./begun.ts";
import { conduct, type Machine, type Watching } from "./conduct.ts";
import type { RunControl } from "./control/run-control.ts";
import { journaling } from "./journaling.ts";
import { revokedAbove } from "./leases-above.ts";
import { type Environment, keyFolder, resolveDeps, runFolder, storeOf } from "./machine.ts";
import { chooseModel, openModel } from "./model.ts";
import { LayersInForce } from "./policy/permission.ts";
import { narrowing, stricterLayers } from "./policy/resume.ts";
import { childrenBelow } from "./runs.ts";
import { HandedSecrets, mustBeAtHand } from "./secrets/handed.ts";

import { atHand, openVault } from "./secrets/vault.ts";
import { layersOf, readHeader } from "./spec.ts";
import type { RunSummary } from "./summary.ts";
import { establishTrust, withTrust } from "./trust/trust.ts";
import { TrustWatch } from "./trust/watch.ts";

export interface Reopening {
  readonly run: string;
  /** What a person wants of it; a `cancel` comes through `control`. */
  readonly asked: Control;
  readonly control: RunControl;
  readonly watching: Watching;
  readonly env: Environment;
  /** What the run works with: that of its parent, or made for it once its journal is its own. */
  readonly machine: () => Promise<Omit<Machine, "workspace" | "secrets"> & { readonly secrets?: Secrets }>;
}

/**
 * Takes a run up again that nobody works on: its journal is replayed to the end and continued. `resume` goes on until it ends
 * or pauses, `rearm`, `answer` and what revokes something leave it paused, `cancel` ends it. Throws `InputError` when there is no such run, it has ended, or
 * somebody works on it.
 */
export async function reopen(reopening: Reopening): Promise<RunSummary> {
  const { run, control, watching, env } = reopening;
  const folder = runFolder(env, mustBeRun(run));
  mustBeFree(run, folder);
  if (existsSync(folder) && wasNeverStarted(folder)) throw neverStarted(run);
  const waits = new Waiting();
  const handed = new HandedSecrets();
  const recorded = new LayersInForce();
  const opened = await resumeJournal({
    ...(await journaling(run, { control, watching }, env)),
    onRecorded: (entry) => {
      waits.see(entry);
      handed.see(entry);
      recorded.see(entry);
    },
  });
  try {
    const summary = await goOn(reopening, opened, {
      waiting: waits.waiting,
      recorded: recorded.layers,
      handed: handed.names,
    });
    // Also those that had ended before it was taken up.
    return { ...summary, children: await childrenBelow(run, env) };
  } finally {
    await opened.journal.close();
  }
}

/** What the journal says of the time before. */
interface Before {
  readonly waiting: boolean;
  readonly recorded: readonly Layer[] | undefined;
  readonly handed: ReadonlySet<string>;
}

async function goOn(
  { run, asked, control, watching, env, machine: make }: Reopening,
  { journal, repairs, recording, header: line }: Resumed,
  { waiting, recorded, handed }: Before,
): Promise<RunSummary> {
  for (const repair of repairs) watching.onNotice(repairNotice(repair));
  const header = readHeader(line);
  // The hook host comes up while the rest is read.
  const around = await make();
  const stored = await resolveFromStore(header.source, resolveDeps(storeOf(env)));
  const resolved = withTrust(stored, header.trust);
  // A run whose hooks are no longer trusted may be ended, and nothing else.
  const trust = await establishTrust(asked.kind === "cancel" ? [] : stored.hooks, env);
  if ("hook" in asked && !resolved.hooks.some((hook) => hook.name === asked.hook)) {
    throw new InputError({ code: "no-such-hook", message: `run \`${run}\` has no hook \`${asked.hook}\`` });
  }
  const begun = await readStart({ ...recording, close: () => undefined }, readRunKey(runKeyFile(keyFolder(env), run)));
  if (asked.kind === "resume") {
    const { blueprint } = parseBlueprint(await storeOf(env).get(header.source), `artifact ${header.source}`);
    for (const notice of await sourceNotices(begun, header.source, blueprint.spec.pins)) watching.onNotice(notice);
  }
  const wanted = wantedOf(asked, waiting);
  // What it still does without being asked to go on is withheld where the secrets are not at hand.
  const secrets = around.secrets ?? (await (wanted.onlyHears ? atHand(resolved, env) : openVault(resolved, env)));
  if (!wanted.onlyHears) mustBeAtHand(handed, secrets);
  const machine = { ...around, workspace: begun.workspace, secrets };
  const model = wanted.onlyHears ? NO_MODEL : openModel(resolved, chooseModel(resolved, header.chosen), env);
  const layers = layersOf(resolved, header);
  const held = recorded ?? layers;
  const stricter = wanted.ends ? [] : await stricterLayers(held, env);
  if (stricter.length > 0) journal.push(narrowing(stricter));
  if (!wanted.ends) for (const revocation of await revokedAbove(header, env)) journal.push(revocation);
  for (const control of wanted.controls) journal.push(control);
  const start = (): never => {
    throw new BugError({ code: "started-twice", message: "a resumed run has a start already" });
  };
  return conduct(machine, {
    header,
    resolved,
    layers,
    inForce: [...held, ...stricter],
    trust: new TrustWatch(trust, env),
    journal,
    model,
    control,
    signal: watching.signal,
    start,
  });
}

interface Wanted {
  readonly ends: boolean;
  /** Nothing of it goes on: it ends, or hears something where it waits. It needs neither secrets nor the key of a provider. */
  readonly onlyHears: boolean;
  readonly controls: readonly Control[];
}

/** A run that waits is told to go on; one that was cut off does so by itself, and pauses if it is only to hear something. */
function wantedOf(asked: Control, waiting: boolean): Wanted {
  const ends = asked.kind === "cancel";
  const goesOn = asked.kind === "resume";
  const tells = "hook" in asked || asked.kind === "revoke-lease" || asked.kind === "answer";
  const heard = tells || (waiting && goesOn) ? [asked] : [];
  const pause: readonly Control[] = tells && !waiting ? [{ kind: "pause", by: asked.by }] : [];
  return { ends, onlyHears: ends || (waiting && !goesOn), controls: [...heard, ...pause] };
}

const NO_MODEL = {
  complete: (): never => {
    throw new BugError({
      code: "model-asked",
      message: "a run that was taken up to be told something asked its model",
    });
  },
};

/**
 * Whether a run waits for a person: it paused, or a hook kept it from starting. A run that was interrupted goes on by itself,
 * and a pause that nobody has seen yet is not answered in advance.
 */
class Waiting {
  waiting = false;

  see({ kind, body: { phase, decision, to } }: Entry): void {
    if (kind === "check.boundary") this.waiting = phase === "state-transition" && decision === "block";
    if (kind === "check.state") this.waiting = to === "paused";
  }
}

/** Said before the journal is read; the lock decides. */
function mustBeFree(run: string, folder: string): void {
  const holder = holderOf(folder);
  if (holder === undefined) return;
  throw new InputError({
    code: "run-live",
    message: `run \`${run}\` is not free: process ${holder.pid} works on it`,
    hint: `follow it with \`pinion run logs ${run} -f\`, stop it with \`pinion run pause ${run}\``,
  });
}

function repairNotice({ kind, file, offset, bytes }: Repair): string {
  const what = { entry: "an entry", checkpoint: "a checkpoint", blob: "a sealed body" }[kind];
  return kind === "blob"
    ? `${what} that no entry names was removed: \`${file}\`, ${bytes} bytes`
    : `${bytes} bytes of ${what} that was not finished were cut off \`${file}\` at byte ${offset}`;
}
