import type { ProcessTree, Workspace } from "../../ports.ts";

/** The workspace itself: what a process changes is changed. */
export function directTree(workspace: Workspace): ProcessTree {
  return {
    kind: "direct",
    open: () => {
      const path = workspace.hostPath();
      return Promise.resolve({
        path,
        workspace: path,
        directory: workspace,
        wrap: (command) => command,
        exceeded: () => Promise.resolve(false),
        keep: () => Promise.resolve({ notes: [] }),
        close: () => Promise.resolve(),
      });
    },
  };
}
