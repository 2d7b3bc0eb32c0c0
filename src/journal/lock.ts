import { readdirSync, readFileSync, readlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pid } from "node:process";
import { InputError } from "../model/errors.ts";

/**
 * Keeps a second writer away from a run's folder, and needs no cleaning up after a crash. Who wants to write puts
 * down a claim whose name says which process it is, and then looks for claims of others: of two that start at once
 * at least one sees the other, so that never both go on. Claims of dead processes count for nothing.
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

const CLAIM = /^writer-([0-9a-f-]+)-(\d+)-(\d+)-(\d+)$/;

/** Throws `InputError` when another writer, of this process or another, has the folder. */
export function lock(folder: string): Lock {
  const me: Owner = { boot: bootId(), namespace: pidNamespace(), pid, start: startOf(pid) ?? "0" };
  const claim = `writer-${me.boot}-${me.namespace}-${me.pid}-${me.start}`;
  const path = join(folder, claim);
  try {
    writeFileSync(path, "", { flag: "wx", mode: 0o600 });
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "EEXIST") throw taken(path, me);
    throw cause;
  }
  for (const name of readdirSync(folder)) {
    const owner = toOwner(name);
    if (owner === undefined || name === claim) continue;
    if (mayBeAlive(owner, me)) {
      unlinkSync(path);
      throw taken(join(folder, name), owner);
    }
    removeIfThere(join(folder, name));
  }
  return { release: () => removeIfThere(path) };
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
    const owner = toOwner(name);
    if (owner === undefined || !mayBeAlive(owner, me)) continue;
    return { pid: owner.pid, start: owner.start, here: owner.namespace === me.namespace };
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

function toOwner(name: string): Owner | undefined {
  const [, boot, namespace, id, start] = CLAIM.exec(name) ?? [];
  if (boot === undefined || namespace === undefined || id === undefined || start === undefined) return undefined;
  return { boot, namespace, pid: Number(id), start };
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
