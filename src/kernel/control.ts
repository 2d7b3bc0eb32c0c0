import type { Control } from "../model/entry.ts";
import type { Phase } from "../model/phase.ts";
import { ask, type Boundary, type BoundaryQuestion, need, transition } from "./boundary.ts";
import { narrowPermission } from "./permission.ts";
import type { Run } from "./run.ts";
import { Halt, Rest } from "./state.ts";

/** Takes what people asked for in the meantime, then asks the chain. Throws `Halt` when the run must stop here. */
export async function boundary<P extends Exclude<Phase, "audit">>(
  run: Run,
  question: () => BoundaryQuestion<P>,
): Promise<Boundary<P>> {
  await obey(run);
  const answer = await approved(run, question, 0);
  if (run.pauseWhy !== undefined) throw new Halt("paused", run.pauseWhy);
  return answer;
}

/**
 * Asks the chain; where nothing but an approval is missing, the run pauses here until somebody has answered, and then everything is
 * asked anew from the start: what is approved is what is there now. A call of a hook cannot wait. Throws `Rest` where the run stays paused.
 */
export async function approved<P extends Exclude<Phase, "audit">>(
  run: Run,
  question: (before: Boundary<P> | undefined) => BoundaryQuestion<P> | Promise<BoundaryQuestion<P>>,
  level: number,
): Promise<Boundary<P>> {
  let answer: Boundary<P> | undefined;
  for (;;) {
    const asked = await question(answer);
    answer = await ask(run, asked, level);
    if (answer.pending === undefined) return answer;
    if (level > 0) {
      run.counters.blocked += 1;
      return { ...answer, reason: `${answer.reason}, and a call that a hook requests cannot wait for one` };
    }
    const { kind, why } = need(run, asked, answer);
    if (kind === "refuse") return { ...answer, reason: why };
    await pauseHere(run, why);
  }
}

/** Ends the run, when those who must agree have; why it goes on, or undefined. */
export async function finish(run: Run, why: string): Promise<string | undefined> {
  for (;;) {
    const veto = await transition(run, "completed", why);
    if (veto?.waits !== true) return veto?.why;
    await pauseHere(run, veto.why);
  }
}

/** What people asked for takes effect at boundaries. Whether the run paused and goes on. Throws `Rest` where it does not. */
export async function obey(run: Run): Promise<boolean> {
  let paused = false;
  for (let control = nextControl(run); control !== undefined; control = nextControl(run)) {
    takeBack(run, control);
    if (control.kind === "rearm") run.ports.rearm(control.hook);
    if (control.kind === "answer") run.approvals.hear(control);
    if (control.kind === "cancel") throw new Halt("terminated", `cancelled by ${control.by}`);
    const why = whyPause(control);
    if (why === undefined) continue;
    await pauseHere(run, why);
    paused = true;
  }
  return paused;
}

/** Pauses in the middle of a step, and goes on there: nothing that was done is forgotten, and nothing is done again. */
export async function pauseHere(run: Run, why: string): Promise<void> {
  await transition(run, "paused", why);
  if (!(await wake(run))) throw new Rest();
}

/** What takes something away takes effect wherever it is heard. Whether it was such a control. */
function takeBack(run: Run, control: Control): boolean {
  switch (control.kind) {
    case "revoke":
      run.ports.revoke(control.hook);
      return true;
    case "narrow":
      narrowPermission(run, control.layers);
      return true;
    case "revoke-lease":
      run.ports.leases.revoke(control);
      return true;
    case "distrust":
      // It is given nothing more, and still stops the run.
      run.distrusted.add(control.hook);
      return false;
    case "pause":
    case "resume":
    case "cancel":
    case "rearm":
    case "answer":
      return false;
  }
}

/** While a hook is at work: what it was given can be taken from it at once, the rest waits for the next boundary. */
export function heed(run: Run): void {
  for (let control = run.journal.poll(); control !== undefined; control = run.journal.poll()) {
    if (!takeBack(run, control)) run.asked.push(control);
    // Nothing that hangs on its verdict happens.
    if (control.kind === "distrust") run.pauseWhy ??= whyPause(control);
  }
}

/** What stops a run until a person lets it go on. */
function whyPause(control: Control): string | undefined {
  if (control.kind === "pause") return `paused by ${control.by}`;
  if (control.kind === "distrust") return `hook \`${control.hook}\` is no longer trusted: ${control.reason}`;
  return undefined;
}

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
    takeBack(run, control);
    if (control.kind === "rearm") run.ports.rearm(control.hook);
    if (control.kind === "answer") run.approvals.hear(control);
    if (control.kind === "cancel") await transition(run, "terminated", `cancelled by ${control.by}`);
    // Whoever resumes it has found all of its hooks trusted.
    if (control.kind === "resume") run.distrusted.clear();
    if (control.kind === "resume") await attempt(run, () => transition(run, "running", `resumed by ${control.by}`));
    if (!waits(run)) return run.state === "running";
  }
  return false;
}

function nextControl(run: Run): Control | undefined {
  return run.asked.shift() ?? run.journal.poll();
}
