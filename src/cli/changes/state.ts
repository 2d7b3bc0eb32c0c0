import type { Change, FileState } from "../../runtime/changes.ts";
import { shownName } from "./names.ts";
import { shownSize } from "./text.ts";

/** What a path holds, in a few words. */
export function stateText(state: FileState): string {
  switch (state.kind) {
    case "nothing":
      return "nothing";
    case "file":
      return `a file of ${shownSize(state.size)}${state.executable ? ", executable" : ""}, ${state.digest.slice(0, 19)}…`;
    case "directory":
      return "a directory";
    case "link":
      return `a link to ${shownName(state.target)}`;
    case "other":
      return "something that cannot be compared";
  }
}

/** What the run did, in one word. */
export function verbOf({ before, after }: Change): "created" | "deleted" | "changed" {
  if (before.kind === "nothing") return "created";
  return after.kind === "nothing" ? "deleted" : "changed";
}

/** A path as it is named in lists: directories end in a slash. */
export function pathText({ path, before, after }: Change): string {
  const directory = after.kind === "directory" || (after.kind === "nothing" && before.kind === "directory");
  return shownName(directory ? `${path}/` : path);
}

/** A change on a line of a list. */
export function changeText(change: Change): string {
  return `  ${verbOf(change)} ${pathText(change)}`;
}
