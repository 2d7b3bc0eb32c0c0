import { nextControl, transition } from "./boundary.ts";
import type { Run } from "./run.ts";
import { Halt } from "./state.ts";

/** Does it; where the run must stop there, it goes into the state that was asked for. */
export async function attempt(run: Run, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof Halt)) throw error;
    await transition(run, error.to, error.message);
  }
}

/** A run that paused, or that a hook kept from starting. */
export function waits(run: Run): boolean {
  return run.state === "paused" || run.state === "pending";
}

/** A run that waits, waits for a person: whether one has asked it to go on. */
export async function wake(run: Run): Promise<boolean> {
  for (let control = nextControl(run); control !== undefined; control = nextControl(run)) {
    if (control.kind === "rearm") run.ports.rearm(control.hook);
    if (control.kind === "revoke") run.ports.revoke(control.hook);
    if (control.kind === "cancel") await transition(run, "terminated", `cancelled by ${control.by}`);
    if (control.kind === "resume") await attempt(run, () => transition(run, "running", `resumed by ${control.by}`));
    if (!waits(run)) return run.state === "running";
  }
  return false;
}
