import type { Layer } from "../../src/capability/layer.ts";

/** What a layer says of secrets, budgets, approvals and leases when it says nothing of them. */
export const NOTHING_ELSE: Pick<Layer, "secrets" | "budgets" | "approvals" | "leases"> = {
  secrets: { allow: [] },
  budgets: {},
  approvals: [],
  leases: { require: [], grant: [], request: [], mint: [] },
};
