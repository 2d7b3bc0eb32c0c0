import { readdirSync, readFileSync } from "node:fs";
import { pid as self } from "node:process";
import { setTimeout as pause } from "node:timers/promises";
import { type Holder, isHolding } from "../../journal/lock.ts";
import { WorldError } from "../../model/errors.ts";

const MOMENT_MS = 5;
const PATIENCE_MS = 10_000;

/**
 * SIGKILLs a process and everything that it started and that is still below it. All of it is stopped first, so that nothing
 * escapes by being started, or orphaned, meanwhile. Nothing happens when the process is gone already. Throws `WorldError` for
 * processes that are not ours to kill.
 */
export async function killTree(holder: Holder): Promise<void> {
  const family = new Set<number>();
  for (let fresh = [holder.pid]; fresh.length > 0; fresh = below(family)) {
    for (const pid of fresh) {
      family.add(pid);
      if (pid !== self) signal(pid, "SIGSTOP");
    }
    // A number that was given to another process meanwhile is let go again.
    if (!isHolding(holder)) return void signal(holder.pid, "SIGCONT");
  }
  // Who asks may be one of them: an agent that stops its own run.
  for (const pid of family) if (pid !== self) signal(pid, "SIGKILL");
  if (family.has(self)) signal(self, "SIGKILL");
  // Dying takes the system a moment.
  for (let waited = 0; isHolding(holder); waited += MOMENT_MS) {
    if (waited > PATIENCE_MS) {
      throw new WorldError({ code: "not-killed", message: `process ${holder.pid} was killed and is still there` });
    }
    await pause(MOMENT_MS);
  }
}

/** Processes whose parent is one of these and that are not among them (proc_pid_stat(5)). */
function below(family: ReadonlySet<number>): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => !family.has(pid) && family.has(parentOf(pid)));
}

function parentOf(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
  } catch {
    return 0; // gone
  }
}

function signal(pid: number, name: "SIGSTOP" | "SIGCONT" | "SIGKILL"): void {
  try {
    process.kill(pid, name);
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
    if (code === "ESRCH") return; // gone already
    throw new WorldError({ code: "not-killed", message: `process ${pid} cannot be killed: ${String(code)}`, cause });
  }
}
