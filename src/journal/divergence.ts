import { canonicalJson } from "../model/canonical.ts";
import type { Entry, EntryKind } from "../model/entry.ts";
import { DivergenceError, InputError } from "../model/errors.ts";
import { isJsonObject, type Json, type JsonObject } from "../model/json.ts";
import { shown } from "./damage.ts";

/** The first place where a replay is not what was recorded. */
export interface Difference {
  readonly seq: number;
  /** The recorded kind; what the replay came with when nothing was recorded there. */
  readonly kind: EntryKind;
  readonly expected: string;
  readonly found: string;
  /** JSON pointer (RFC 6901) into the entry's body. */
  readonly pointer?: string;
  /** Of a boundary. */
  readonly phase?: string;
  /** The hook whose verdict differs. */
  readonly hook?: string;
}

/** Replay and recording part here. */
export class ReplayDivergence extends DivergenceError {
  readonly difference: Difference;
  constructor(difference: Difference) {
    const { seq, kind, phase, hook, pointer, expected, found } = difference;
    const where = [
      `seq ${seq}`,
      `\`${kind}\``,
      phase && `phase \`${phase}\``,
      hook && `hook \`${hook}\``,
      pointer && `at \`${pointer}\``,
    ];
    super({
      code: "diverged",
      message: `replay diverges at ${where.filter((part) => part !== undefined && part !== "").join(", ")}: expected ${expected}, found ${found}`,
    });
    this.difference = difference;
  }
}

/** The recording stops before the run did, and everything up to there was identical. */
export class RecordingEnds extends DivergenceError {
  readonly seq: number;
  constructor(seq: number, found: EntryKind) {
    super({
      code: "incomplete",
      message: `the recording ends before seq ${seq}, without \`check.end\`: expected the rest of the run, found nothing for \`${found}\``,
      hint: "everything up to there was identical; a killed run leaves such a recording",
    });
    this.seq = seq;
  }
}

/** What stands in the record is not what the replay came with. */
export function unlike({ seq, kind }: Entry, expected: string, found: string): ReplayDivergence {
  return new ReplayDivergence({ seq, kind, expected, found });
}

/** The replay came with something and the record is used up. */
export function nothingRecorded(
  past: { readonly count: number; readonly ended: boolean },
  found: EntryKind,
): DivergenceError {
  if (!past.ended) return new RecordingEnds(past.count, found);
  return new ReplayDivergence({ seq: past.count, kind: found, expected: "the end of the run", found: `\`${found}\`` });
}

/** A body was asked for that only the run key opens, and the key is not here. */
export class SealedError extends InputError {
  constructor(what: string) {
    super({
      code: "sealed",
      message: `${what} is sealed and the run key is not here`,
      hint: "give the run's key file, if it still exists",
    });
  }
}

/** How a check differs from the recorded one; both bodies are in clear. */
export function bodyDifference(
  seq: number,
  recorded: { readonly kind: EntryKind; readonly body: JsonObject },
  found: { readonly kind: EntryKind; readonly body: JsonObject },
): Difference {
  const { kind } = recorded;
  if (kind !== found.kind) return { seq, kind, expected: `\`${kind}\``, found: `\`${found.kind}\`` };
  const [pointer, expected, actual] = firstDifference(recorded.body, found.body, "") ?? ["", recorded.body, found.body];
  const { phase } = recorded.body;
  const hook = kind === "check.boundary" ? differingHook(recorded.body.verdicts, found.body.verdicts) : undefined;
  return {
    seq,
    kind,
    pointer,
    expected: text(expected),
    found: text(actual),
    ...(typeof phase === "string" ? { phase } : {}),
    ...(hook === undefined ? {} : { hook }),
  };
}

type Pair = readonly [pointer: string, expected: Json | undefined, found: Json | undefined];

/** Depth first, members in canonical order. */
function firstDifference(expected: Json | undefined, found: Json | undefined, pointer: string): Pair | undefined {
  if (expected === found) return undefined;
  const [a, b] = [children(expected), children(found)];
  if (a === undefined || b === undefined || Array.isArray(expected) !== Array.isArray(found))
    return [pointer, expected, found];
  for (const key of Array.isArray(expected) ? [...a.keys(), ...b.keys()] : [...a.keys(), ...b.keys()].sort()) {
    const token = key.replaceAll("~", "~0").replaceAll("/", "~1");
    const difference = firstDifference(a.get(key), b.get(key), `${pointer}/${token}`);
    if (difference !== undefined) return difference;
  }
  return undefined;
}

function children(value: Json | undefined): ReadonlyMap<string, Json> | undefined {
  return typeof value === "object" && value !== null ? new Map(Object.entries(value)) : undefined;
}

function differingHook(expected: Json | undefined, found: Json | undefined): string | undefined {
  const [a, b] = [verdicts(expected), verdicts(found)];
  const index = a.findIndex((verdict, i) => firstDifference(verdict, b[i], "") !== undefined);
  const verdict = index < 0 ? b[a.length] : a[index];
  return isJsonObject(verdict) && typeof verdict.hook === "string" ? verdict.hook : undefined;
}

function verdicts(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : [];
}

function text(value: Json | undefined): string {
  return value === undefined ? "nothing" : shown(canonicalJson(value));
}
