import type { Change, RunChanges } from "../../runtime/changes.ts";
import type { Content } from "./delta.ts";

/** The largest file that is compared line by line. */
export const SHOWN_BYTES = 2 * 1024 * 1024;
/** The largest file that goes into a patch. */
export const PATCH_BYTES = 64 * 1024 * 1024;

/** The bytes of a change, up to a limit. */
export function contentOf(changes: Pick<RunChanges, "content">, change: Change, limit: number): Content {
  return (side) => changes.content(change, side, limit);
}

/** The parts of a change that go into JSON. */
export function plainChange({ path, before, after, conflict }: Change) {
  return { path, before, after, ...(conflict === undefined ? {} : { conflict }) };
}
