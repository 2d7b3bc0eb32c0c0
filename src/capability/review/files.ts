import { fileRules, segmentsOf } from "../files.ts";
import type { Grants } from "../layer.ts";
import { startsProcesses } from "./processes.ts";
import { place, type Remark } from "./remark.ts";

/** What may be said of the rules for files. */
export function reviewFiles(grants: Grants): readonly Remark[] {
  const rules = fileRules({ name: "the policy", ...grants });
  const { filesystem } = grants;
  const never = (["read", "write"] as const).flatMap((action) =>
    filesystem[action].flatMap((pattern, index) => {
      const denied = rules.deniedBy(literalStart(pattern));
      if (denied === -1) return [];
      const by = JSON.stringify(filesystem.deny[denied]);
      return [{ pointer: place("filesystem", action, index), message: `never allows anything: ${by} is denied` }];
    }),
  );
  return [...never, ...inTheWay(grants)];
}

/** Processes are shown the files as far as mounts can express the rules. */
function inTheWay(grants: Grants): readonly Remark[] {
  if (!startsProcesses(grants)) return [];
  return (["read", "write"] as const).flatMap((action) =>
    grants.filesystem[action].flatMap((pattern, index) =>
      pattern !== "**" &&
      segmentsOf(pattern)
        .slice(0, -1)
        .concat(lastName(pattern))
        .some((name) => name.includes("*"))
        ? [
            {
              pointer: place("filesystem", action, index),
              message: "gives nothing to processes: they are shown whole folders and single files only",
            },
          ]
        : [],
    ),
  );
}

function lastName(pattern: string): readonly string[] {
  const last = segmentsOf(pattern).at(-1) ?? "";
  return last === "**" ? [] : [last];
}

function literalStart(pattern: string): readonly string[] {
  const segments = segmentsOf(pattern);
  const wild = segments.findIndex((segment) => segment.includes("*"));
  return wild === -1 ? segments : segments.slice(0, wild);
}
