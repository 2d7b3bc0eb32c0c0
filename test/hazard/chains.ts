import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { openRecording } from "../../src/index.ts";
import type { FailureCause } from "../../src/model/hook.ts";
import type { JsonObject } from "../../src/model/json.ts";
import { PHASES, type Phase } from "../../src/model/phase.ts";
import { Lab, type LabHook } from "../support/lab.ts";
import { blockedBoundaries, CHILD, NOTHING_HAPPENED, TURNS } from "../support/phases.ts";
import { runs } from "../support/property.ts";
import { FAULTS, type Hostile } from "./guests/hostile.ts";

/**
 * A real run with the hostile guest in the chain of one phase: what the phase guards does not happen, the journal is whole and
 * names the cause, its replay is identical, and no process is left.
 */
export async function provesHarmless(guest: Hostile, phase: Phase): Promise<void> {
  const lab = await Lab.open();
  try {
    await lab.file("a.txt", "secret of a");
    const summary = await lab.run(await blueprintWith(lab, guest, phase));
    NOTHING_HAPPENED[phase](lab, summary);
    expectNamed(lab, guest, phase);
    expect(readWhole(summary.journal)).toBe(lab.entries.length);
    expect(hookHosts()).toEqual([]);
    expect(await lab.replay(), "replay").toMatchObject({ answer: "identical" });
    expect(hookHosts()).toEqual([]);
  } finally {
    await lab.close();
  }
}

async function blueprintWith(lab: Lab, guest: Hostile, phase: Phase): Promise<string> {
  const { component, config, limits, instance, authority } = guest;
  const culprit: LabHook = {
    name: "culprit",
    component: await component(),
    role: "transformer",
    phases: [phase],
    ...(config === undefined ? {} : { config }),
    // Far above what any of them takes, so that a busy machine is not taken for a hostile guest.
    limits: { deadlineMs: 30_000, ...limits },
    ...(instance === undefined ? {} : { instance }),
    ...(authority === undefined ? {} : { authority }),
  };
  return lab.blueprint({
    hooks: [culprit],
    chain: { [phase]: ["culprit"] },
    turns: TURNS,
    child: CHILD,
    ...(authority === undefined ? {} : { grants: { culprit: authority } }),
  });
}

/** Every blocked boundary says that the hook failed, of which class the cause is, and what it was. */
function expectNamed(lab: Lab, { cause, says }: Hostile, phase: Phase): void {
  const blocked = blockedBoundaries(lab);
  expect(blocked.length).toBeGreaterThan(0);
  for (const { verdicts, audit } of blocked) {
    const said = (phase === "audit" ? audit : verdicts) as readonly JsonObject[];
    const verdict = said.find(({ hook }) => hook === "culprit");
    expect(verdict).toMatchObject({ decision: "failed", cause });
    const detail = detailOf(verdict);
    // What may hold text of the guest passes the audit first, and this one did not complete.
    if (phase === "audit" && (cause === "error" || cause === "malformed")) expect(detail).toBeUndefined();
    else if (typeof says === "string") expect(detail).toBe(says);
    else expect(detail).toMatch(says);
  }
  const faults = lab.entries.filter((entry) => entry.kind === "input.fault").length;
  if (FAULTS.includes(cause)) expect(faults).toBeGreaterThan(0);
  else expect(faults).toBe(0);
}

function detailOf(verdict: JsonObject | undefined): string | undefined {
  const words = /^hook `culprit` failed \([a-z-]+\): (.*); it blocks until a person re-arms it$/s;
  return words.exec(String(verdict?.rationale))?.[1];
}

/** Reads the journal of a run from its first to its last byte; how many entries it holds. */
function readWhole(journal: string): number {
  const recording = openRecording(join(journal, ".."));
  try {
    expect(recording).toMatchObject({ cut: false, torn: 0 });
    return recording.count;
  } finally {
    recording.close();
  }
}

/** Hook hosts that this process has started and that are still there. */
export function hookHosts(): readonly string[] {
  return readdirSync("/proc/self/task")
    .flatMap((task) => readFileSync(`/proc/self/task/${task}/children`, "utf8").trim().split(" "))
    .filter((pid) => pid !== "")
    .map(commandOf)
    .filter((command) => command.includes("/sandbox/"));
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "latin1").replaceAll("\0", " ");
  } catch {
    // It has ended since it was listed.
    return "";
  }
}

export interface Placed {
  readonly guest: Hostile;
  readonly phases: readonly Phase[];
}

/**
 * In which phases each guest is tried: in all of them in `npm run soak`; otherwise in `least` or more, so that every class of
 * cause is tried in every phase.
 */
export function place(guests: readonly Hostile[], least: number): readonly Placed[] {
  const classes = Map.groupBy(guests, ({ cause }) => cause);
  return [...classes].flatMap(([_, members]) => {
    const each = runs(Math.max(least, Math.ceil(PHASES.length / members.length)), PHASES.length);
    return members.map((guest, index) => ({
      guest,
      phases: PHASES.map((_, phase) => PHASES[(index * each + phase) % PHASES.length] as Phase).slice(0, each),
    }));
  });
}

/** The phases in which guests of each class of cause are tried. */
export function phasesOf(placed: readonly Placed[]): ReadonlyMap<FailureCause, ReadonlySet<Phase>> {
  const tried = new Map<FailureCause, Set<Phase>>();
  for (const { guest, phases } of placed) {
    const known = tried.get(guest.cause) ?? new Set();
    for (const phase of phases) known.add(phase);
    tried.set(guest.cause, known);
  }
  return tried;
}
