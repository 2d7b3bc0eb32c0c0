import type { Need } from "../../model/lease.ts";

/** What is done to a path of the workspace, `deep` also to all below it, as leases are asked about it. */
export function fileNeed(action: "read" | "write", path: string, below: "alone" | "deep" = "alone"): Need {
  return { resource: "fs", action, path: path === "." ? [] : path.split("/"), deep: below === "deep" };
}
