import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Directory } from "../../../src/vfs/directory.ts";
import type { Overlay } from "../../../src/vfs/overlay/overlay.ts";

/** What a run and its processes do, one after the other; `left` is where a process left files. */
export type Step = (at: {
  readonly overlay: Overlay;
  readonly root: Directory;
  readonly left: string;
}) => Promise<unknown>;

const bytes = (text: string) => Buffer.from(text);
/** Later than everything: nothing changed during a process. */
const NEVER = 2n ** 70n;

export const STORY: Readonly<Record<string, Step>> = {
  "write a file of the workspace": ({ root }) => root.write("a/b/one", bytes("changed")),
  "write it again": ({ root }) => root.write("a/b/one", bytes("changed again")),
  "create a directory": ({ root }) => root.createDirectory("new"),
  "write a new file": ({ root }) => root.write("new/x", bytes("x")),
  "move a file of the workspace": ({ root }) => root.rename("a/two", "new/two"),
  "move a file of the layer": ({ root }) => root.rename("a/b/one", "a/b/moved"),
  "move a directory of both": ({ root }) => root.rename("a", "m"),
  "move a directory of the layer": ({ root }) => root.rename("m", "new/m"),
  "remove a file of the workspace": ({ root }) => root.remove("c/d/e"),
  "remove a directory": ({ root }) => root.remove("c/d"),
  "take over what a process left": ({ overlay, left }) =>
    overlay.absorb(
      [
        { kind: "directory", path: "c", opaque: true },
        { kind: "file", path: "c/fresh", source: join(left, "1"), executable: true },
        { kind: "link", path: "new/link", target: "x" },
        { kind: "file", path: "new/m/b", source: join(left, "2"), executable: false },
        { kind: "nothing", path: "gone" },
        { kind: "directory", path: "f", opaque: false },
        { kind: "file", path: "f/in", source: join(left, "3"), executable: false },
      ],
      NEVER,
    ),
  "discard some": ({ overlay }) => overlay.discard(["gone/b", "new/two"]),
  "commit some": ({ overlay }) => overlay.commit({ only: ["new", "a", "f"] }),
  "write on": ({ root }) => root.write("new/x", bytes("later")),
  "commit the rest": ({ overlay }) => overlay.commit({}),
};

export function prepare(workspace: string, left: string): void {
  for (const folder of ["a/b", "c/d", "gone"]) mkdirSync(join(workspace, folder), { recursive: true });
  const files = {
    "a/b/one": "one",
    "a/two": "two",
    "a/three": "three",
    "c/d/e": "e",
    "c/f": "f",
    "gone/a": "a",
    "gone/b": "b",
    f: "file",
  };
  for (const [path, text] of Object.entries(files)) writeFileSync(join(workspace, path), text);
  chmodSync(join(workspace, "a/three"), 0o755);
  symlinkSync("one", join(workspace, "a/b/link"));
  for (const name of ["1", "2", "3"]) writeFileSync(join(left, name), `left ${name}`);
}
