import type { RunJournal } from "../../journal/journal.ts";
import type { ControlAnswer, ControlRequest } from "../../model/control.ts";
import type { Control } from "../../model/entry.ts";

/** Requests that wait for the next boundary. */
const MOST = 100;

/** Who asks where nobody does. */
const KEYRING = "the keyring";

type LeaseRevocation = Extract<Control, { kind: "revoke-lease" }>;

/** What a run is controlled through, from when it begins to live until it rests. */
interface Attached {
  readonly run: string;
  readonly journal: RunJournal;
  readonly hooks: readonly string[];
  /** Looks which of its signed hooks have ceased to be trusted since it was asked last. */
  readonly trust: { look(): readonly { readonly hook: string; readonly reason: string }[] };
  /** Somebody asked for something: a line for whoever watches the run. */
  readonly onNotice: (text: string) => void;
}

/**
 * What people ask of one live run. Everything becomes a control that the kernel meets at its next boundary; `terminate` also
 * aborts what is under way. What stops a run stops its children: a child never goes on when its parent was asked to stop.
 */
export class RunControl {
  readonly #stop = new AbortController();
  readonly #children = new Set<RunControl>();
  /** That of the run that waits for this one. */
  #parent: RunControl | undefined;
  #attached: Attached | undefined;
  readonly #deafen: () => void;
  readonly #early: Control[] = [];
  readonly #unmet = new Map<string, Promise<boolean>>();
  /** Who asked to pause, for children that begin later. */
  #pausing: string | undefined;
  /** Leases that were revoked, for children that begin later. */
  readonly #revoked: LeaseRevocation[] = [];

  /** `interrupt`: the signal of whoever started the run. */
  constructor(interrupt: AbortSignal) {
    const stop = (): void => void this.#terminate(whoIn(interrupt));
    if (interrupt.aborted) stop();
    else interrupt.addEventListener("abort", stop);
    this.#deafen = () => interrupt.removeEventListener("abort", stop);
  }

  /** Aborted when the run is to end: nothing that is under way goes on. Its reason says who wanted it. */
  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  attach(attached: Attached): void {
    this.#attached = attached;
    for (const control of this.#early.splice(0)) attached.journal.push(control);
    attached.journal.onPoll(() => this.#look());
  }

  /** Takes a child in until it is let go. */
  adopt(child: RunControl): { release(): void } {
    this.#children.add(child);
    child.#parent = this;
    if (this.#pausing !== undefined) void child.#pause(this.#pausing);
    for (const revocation of this.#revoked) void child.#revokeLease(revocation);
    return {
      release: () => {
        this.#children.delete(child);
        child.#parent = undefined;
      },
    };
  }

  /** From now on it is too late for everything, also for what has been asked and not been met. */
  detach(): void {
    this.#deafen();
    this.#attached?.journal.dismiss();
    this.#attached = undefined;
  }

  async answer(request: ControlRequest): Promise<ControlAnswer> {
    const attached = this.#attached;
    if (attached === undefined || attached.journal.ended) return tooLate();
    const { run, hooks, journal } = attached;
    if ("hook" in request && !hooks.includes(request.hook)) {
      const message = `run \`${run}\` has no hook \`${request.hook}\`; it has ${hooks.join(", ") || "none"}`;
      return { error: { code: "no-such-hook", message } };
    }
    const met = this.#once(request, attached);
    if (met === undefined)
      return { error: { code: "busy", message: `run \`${run}\` has been asked for too much at once` } };
    if (!request.wait) return { ok: { run, met: false } };
    if (!(await met)) return tooLate();
    try {
      await journal.durable();
    } catch {
      return tooLate(); // the disk failed, which stops the run and is said by it
    }
    return { ok: { run, met: true } };
  }

  /** Whoever asks for what has been asked for already waits for the same. */
  #once(request: ControlRequest, { run, onNotice }: Attached): Promise<boolean> | undefined {
    const { by: _, wait: __, ...what } = request;
    const name = JSON.stringify(what);
    const known = this.#unmet.get(name);
    if (known !== undefined) return known;
    if (this.#unmet.size >= MOST) return undefined;
    onNotice(`${request.by} asks run ${run} to ${what.ask}${about(what)}`);
    const met = this.#take(request).finally(() => this.#unmet.delete(name));
    this.#unmet.set(name, met);
    return met;
  }

  #take(request: ControlRequest): Promise<boolean> {
    switch (request.ask) {
      case "pause":
        return this.#pause(request.by);
      case "terminate":
        return this.#terminate(request.by);
      case "rearm":
      case "revoke": {
        const { ask, hook, reason, by } = request;
        return this.#push({ kind: ask, hook, reason, by });
      }
      case "answer": {
        const { approval, answer, by, user, signed } = request;
        return this.#push({ kind: "answer", approval, answer, by, user, ...(signed === undefined ? {} : { signed }) });
      }
      case "revoke-lease": {
        const { ask, lease, reason, by } = request;
        return this.#revokeLease({ kind: ask, lease, reason, by });
      }
    }
  }

  /** First the children, whose end the run waits for. */
  #pause(by: string): Promise<boolean> {
    this.#pausing ??= by;
    for (const child of this.#children) void child.#pause(by);
    return this.#push({ kind: "pause", by });
  }

  /** Children have what came from the lease, and hear of it under the name that it has for them. */
  #revokeLease(control: LeaseRevocation): Promise<boolean> {
    const run = this.#attached?.run ?? "";
    const below = control.lease.includes("/") ? control : { ...control, lease: `${run}/${control.lease}` };
    this.#revoked.push(below);
    for (const child of this.#children) void child.#revokeLease(below);
    return this.#push(control);
  }

  #terminate(by: string): Promise<boolean> {
    const met = this.#push({ kind: "cancel", by });
    // Children hear of it through the signal of the call that waits for them.
    if (!this.#stop.signal.aborted) this.#stop.abort(new Stopped(by));
    return met;
  }

  /** Whoever waits for this run looks with it. A run whose hooks are not trusted any more pauses, and so do its children. */
  #look(): void {
    const parent = this.#parent;
    if (parent !== undefined) parent.#look();
    if (this.#attached === undefined) return;
    const { run, trust, onNotice } = this.#attached;
    for (const { hook, reason } of trust.look()) {
      onNotice(`run ${run} stops: hook ${hook} is no longer trusted: ${reason}`);
      void this.#push({ kind: "distrust", hook, reason, by: KEYRING });
      this.#pausing ??= KEYRING;
      for (const child of this.#children) void child.#pause(KEYRING);
    }
  }

  #push(control: Control): Promise<boolean> {
    if (this.#attached !== undefined) return this.#attached.journal.ask(control);
    this.#early.push(control);
    return Promise.resolve(true);
  }
}

/** Why a signal was aborted, where a person wanted it. */
class Stopped extends Error {
  readonly by: string;
  constructor(by: string) {
    super(`stopped by ${by}`);
    this.name = "Stopped";
    this.by = by;
  }
}

/** A signal that is aborted already, as if `by` had asked for it. */
export function stoppedBy(by: string): AbortSignal {
  return AbortSignal.abort(new Stopped(by));
}

function whoIn({ reason }: AbortSignal): string {
  return reason instanceof Stopped ? reason.by : "an interrupt";
}

function tooLate(): ControlAnswer {
  return { error: { code: "too-late", message: "the run stopped before it met the request" } };
}

function about(what: object): string {
  const named = Object.entries(what).find(([name]) => name === "hook" || name === "lease" || name === "approval");
  return named === undefined ? "" : ` ${String(named[1])}`;
}
