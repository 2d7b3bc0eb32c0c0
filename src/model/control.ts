import type { JsonObject } from "./json.ts";

/** What may be asked of a live run through its socket: one JSON line each, answered by one JSON line. */
export type ControlRequest =
  | { readonly ask: "status" }
  | { readonly ask: "pause"; readonly by: string }
  | { readonly ask: "terminate"; readonly by: string }
  | { readonly ask: "rearm"; readonly hook: string; readonly reason: string; readonly by: string }
  | { readonly ask: "revoke"; readonly hook: string; readonly reason: string; readonly by: string };

export type ControlAnswer =
  | { readonly ok: JsonObject }
  | { readonly error: { readonly code: string; readonly message: string } };
