import type { RecordedEntry } from "../../src/index.ts";

/** What is looked at in a recording, in the order in which it is told. */
export const CHECK_NAMES = [
  /** Header, chain, blobs, end marker. */
  "chain",
  "checkpoints",
  /** Pinned bytes, and whether they are what the header says. */
  "pins",
  /** Of the hooks that were trusted: signed by whom the header says, and about these bytes. */
  "signatures",
  /** Every boundary: whether the whole chain of hooks was asked, and whether its decision follows from what they said. */
  "hooks",
  /** Every decision of the effective permission, made again. */
  "permission",
  /** The books of leases: whether what was used was there to be used, and whether every call under leases used them. */
  "leases",
  /** What people were asked, and whether what they answered is what let anything through. */
  "approvals",
  /** Every effect: its intent, and the boundary that let it through. */
  "receipts",
  /** What the gates saw, what was approved, and what was done are the same. */
  "payloads",
  /** Recordings of child runs, and what their parents gave to them. */
  "children",
] as const;
export type CheckName = (typeof CHECK_NAMES)[number];

export interface Finding {
  /** The entry; left out where it is about none in particular. */
  readonly seq?: number;
  readonly message: string;
}

/** What came of one check. */
export interface CheckResult {
  readonly check: CheckName;
  /** `unchecked`: it could not be made, and `message` says why. */
  readonly result: "ok" | "failed" | "unchecked";
  /** What was looked at, or what stood in the way. */
  readonly message: string;
  /** What speaks against the recording: the first of them, at most `MOST_FINDINGS`. */
  readonly findings: readonly Finding[];
  /** How many there are. */
  readonly failed: number;
  /** What a part of the check could not be made for, and what else was seen. */
  readonly notes: readonly string[];
}

/** A check that is made on one pass over the entries. */
export interface EntryCheck {
  see(recorded: RecordedEntry): void;
  end(): CheckResult;
}

const MOST_FINDINGS = 20;

/** Gathers what a check finds; what is kept does not grow with the recording. */
export class Findings {
  readonly #check: CheckName;
  readonly #kept: Finding[] = [];
  readonly #notes = new Set<string>();
  #failed = 0;

  constructor(check: CheckName) {
    this.#check = check;
  }

  fail(message: string, seq?: number): void {
    this.#failed += 1;
    if (this.#kept.length < MOST_FINDINGS) this.#kept.push(seq === undefined ? { message } : { seq, message });
  }

  note(message: string): void {
    if (this.#notes.size < MOST_FINDINGS) this.#notes.add(message);
  }

  /** `unchecked` says why the check could not be made; what was found all the same counts. */
  result(message: string, unchecked?: string): CheckResult {
    const found = { check: this.#check, findings: this.#kept, failed: this.#failed, notes: [...this.#notes] };
    if (this.#failed > 0) return { ...found, result: "failed", message };
    return unchecked === undefined
      ? { ...found, result: "ok", message }
      : { ...found, result: "unchecked", message: unchecked };
  }
}
