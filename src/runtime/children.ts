import type { ResolvedBlueprint } from "../blueprint/resolve.ts";
import { effectiveConfinement } from "../capability/confinement.ts";
import type { Layer } from "../capability/layer.ts";
import { InputError, IntegrityError } from "../model/errors.ts";
import { ToolError } from "../model/tool.ts";
import type { Children, Machine, Parent, Watching } from "./conduct.ts";
import { RunControl } from "./control/run-control.ts";
import type { Environment } from "./machine.ts";
import { reopen } from "./reopen.ts";
import { layersOf } from "./spec.ts";
import { start } from "./start.ts";
import { endOf, type Rested } from "./summary.ts";

/** The children of a run: a subset of its authority, one level deeper, with its capsules; what stops it stops them. */
export function childrenOf(machine: Machine, parent: Parent): Children {
  const { header, resolved } = parent;
  /** Works on a child that hears what is asked of its parent. */
  async function below<T>(
    signal: AbortSignal,
    work: (control: RunControl, watching: Watching) => Promise<T>,
  ): Promise<T> {
    const control = new RunControl(signal);
    const adopted = parent.control.adopt(control);
    try {
      return await work(control, { signal, onEntry: () => undefined, onNotice: machine.onNotice });
    } finally {
      adopted.release();
    }
  }
  return {
    start: async ({ child, goal, capsules, delegated }, signal) => {
      const blueprint = resolved.children[child];
      if (blueprint === undefined) throw new ToolError("no-such-agent", `there is no agent \`${child}\``);
      const { layers } = parent;
      requireBackend(child, blueprint, layers);
      const beginning = { resolved: blueprint, goal, capsules, depth: header.depth + 1, inherited: layers, file: null };
      const from = { parent: header, chosen: header.chosen, around: [], shadows: [], delegated };
      return below(signal, async (control, watching) => {
        try {
          return await start(machine, { ...beginning, ...from, control, watching });
        } catch (error) {
          // What of the keyring speaks against it is a person's business, not the agent's.
          if (isDistrust(error)) throw new ToolError("denied", `a hook of \`${child}\` is not trusted`);
          throw error;
        }
      });
    },
    resume: (run, signal) =>
      below(signal, async (control, watching) => {
        const asked = { kind: "resume", by: "the run that waits for it" } as const;
        try {
          return await reopen({ run, asked, control, watching, env: machine.env, machine: async () => machine });
        } catch (error) {
          if (error instanceof InputError) return restOf(run, error, machine.env);
          if (isDistrust(error)) return { run, state: "paused", reason: error.code, result: "", children: [] };
          throw error;
        }
      }),
  };
}

function isDistrust(error: unknown): error is IntegrityError {
  return error instanceof IntegrityError && error.code === "hook-not-trusted";
}

/** A child whose processes nobody above it would let be confined as it wants never begins. */
function requireBackend(name: string, child: ResolvedBlueprint, above: readonly Layer[]): void {
  if (!child.tools.allow.includes("process.run")) return;
  if (effectiveConfinement(layersOf(child, { inherited: above, around: [] })).backend.length > 0) return;
  const wanted = child.execution.backend.map((backend) => `\`${backend}\``).join(", ");
  throw new ToolError("denied", `\`${name}\` confines processes by ${wanted} only, and a run above it does not`);
}

/** A child that cannot be taken up: a person has seen to it meanwhile, or still does. */
function restOf(run: string, error: InputError, env: Environment): Rested {
  if (error.code === "run-ended") return endOf(run, env);
  const { code } = error;
  if (code === "run-live" || code === "journal-locked")
    return { run, state: "paused", reason: code, result: "", children: [] };
  throw new ToolError("child-not-resumed", `the child \`${run}\` cannot go on (${code})`);
}
