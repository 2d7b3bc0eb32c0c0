import { readdirSync, readFileSync, readlinkSync, renameSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pid } from "node:process";
import { InputError } from "../model/errors.ts";

/**
 * Keeps a second writer away from a run's folder, and needs no cleaning up after a crash. Who wants to write puts down a claim
 * whose name says which process it is, and then looks for those of others; who sees none is the writer, and renames its claim
 * to say so. Of two that look at once each sees the other: the one whose name comes first waits until the other has let go or is
 * the writer, the other lets go. So at most one is the writer, and of many that try at once exactly one. Claims of dead
 * processes count for nothing.
 */
export interface Lock {
  release(): void;
}

/** A process, so that no later one is taken for it: boot, pid namespace, pid and start time. */
interface Owner {
  readonly boot: string;
  readonly namespace: string;
  readonly pid: number;
  readonly start: string;
}

interface Claim {
  readonly name: string;
  /** `claim`: looks whether it may; `writer`: writes. */
  readonly stage: "claim" | "writer";
  readonly owner: Owner;
}

const CLAIM = /^(claim|writer)-([0-9a-f-]+)-(\d+)-(\d+)-(\d+)$/;
/** Another one lets go within a few system calls, unless it is stopped. */
const PATIENCE_MS = 1000;

/** Throws `InputError` when another writer, of this process or another, has the folder. Waits 1 s for one that has not decided. */
export function lock(folder: string): Lock {
  const me: Owner = { boot: bootId(), namespace: pidNamespace(), pid, start: startOf(pid) ?? "0" };
  const name = `${me.boot}-${me.namespace}-${me.pid}-${me.start}`;
  const claim = join(folder, `claim-${name}`);
  try {
    writeFileSync(claim, "", { flag: "wx", mode: 0o600 });
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "EEXIST") throw taken(claim, me);
    throw cause;
  }
  try {
    mustBeAlone(folder, `claim-${name}`, me);
    const path = join(folder, `writer-${name}`);
    renameSync(claim, path);
    return { release: () => removeIfThere(path) };
  } catch (error) {
    removeIfThere(claim);
    throw error;
  }
}

/** Returns when nobody else has a claim; throws when somebody else is the writer, or will be. */
function mustBeAlone(folder: string, mine: string, me: Owner): void {
  for (let waited = 0; ; waited += 1) {
    const others = claimsOfOthers(folder, mine, me);
    const [other] = others;
    if (other === undefined) return;
    const first = others.every(({ stage, name }) => stage === "claim" && mine < name);
    if (!first || waited === PATIENCE_MS) throw taken(join(folder, other.name), other.owner);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
  }
}

/** Claims of processes that live; those of dead ones are removed. */
function claimsOfOthers(folder: string, mine: string, me: Owner): readonly Claim[] {
  return readdirSync(folder).flatMap((name): Claim[] => {
    const claim = toClaim(name);
    if (claim === undefined || name === mine) return [];
    if (mayBeAlive(claim.owner, me)) return [claim];
    removeIfThere(join(folder, name));
    return [];
  });
}

/** A process that works on a run. */
export interface Holder {
  readonly pid: number;
  /** Clock ticks since boot: tells it from a later process of that number. */
  readonly start: string;
  /** False for one in another pid namespace: its number means nothing here, and whether it lives cannot be told. */
  readonly here: boolean;
}

/** The process that has the folder; undefined when nobody has. A folder that is not there has nobody. */
export function holderOf(folder: string): Holder | undefined {
  const me = { boot: bootId(), namespace: pidNamespace() };
  for (const name of namesIn(folder)) {
    const claim = toClaim(name);
    if (claim?.stage !== "writer" || !mayBeAlive(claim.owner, me)) continue;
    const { pid, start, namespace } = claim.owner;
    return { pid, start, here: namespace === me.namespace };
  }
  return undefined;
}

/** Whether it is still the process that was found. */
export function isHolding({ pid, start }: Holder): boolean {
  return startOf(pid) === start;
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && (cause.code === "ENOENT" || cause.code === "ENOTDIR")) return [];
    throw cause;
  }
}

function toClaim(name: string): Claim | undefined {
  const [, stage, boot, namespace, id, start] = CLAIM.exec(name) ?? [];
  if (boot === undefined || namespace === undefined || id === undefined || start === undefined) return undefined;
  const owner = { boot, namespace, pid: Number(id), start };
  return { name, stage: stage === "writer" ? "writer" : "claim", owner };
}

/** A process of this boot in another pid namespace cannot be looked up: it counts as alive. */
function mayBeAlive(owner: Owner, me: Pick<Owner, "boot" | "namespace">): boolean {
  if (owner.boot !== me.boot) return false;
  return owner.namespace !== me.namespace || startOf(owner.pid) === owner.start;
}

function removeIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (cause) {
    if (!(cause instanceof Error && "code" in cause && cause.code === "ENOENT")) throw cause; // another process was quicker, or a person
  }
}

function taken(path: string, owner: Owner): InputError {
  return new InputError({
    code: "journal-locked",
    message: `the journal has a writer already: process ${owner.pid}, by its claim \`${path}\``,
    hint: "wait until that process has ended; remove the claim only if you know that it has",
  });
}

function bootId(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim();
}

function pidNamespace(): string {
  return readlinkSync("/proc/self/ns/pid").replace(/\D/g, "");
}

/** proc_pid_stat(5): field 22, clock ticks since boot; undefined for a process that is gone or a zombie. */
function startOf(id: number): string | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${id}/stat`, "latin1");
  } catch {
    return undefined; // ENOENT, or ESRCH while it goes
  }
  const [state, ...fields] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return state === "Z" || state === "X" ? undefined : fields[18];
}
