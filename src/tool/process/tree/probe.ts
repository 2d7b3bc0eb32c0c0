import { constants, copyFileSync, existsSync, mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ToolError } from "../../../model/tool.ts";
import { attempt, type Command, SHELL, WAYS, type Way } from "../namespaces.ts";
import { type Layers, mounted } from "./mounting.ts";
import { makeScratch, removeTree } from "./scratch.ts";
import { Whiteouts } from "./whiteouts.ts";

/** How processes can be shown a merged tree here. `why`: what stands in the way of a mount. */
export type TreeProbe =
  | { readonly kind: "overlay-mount"; readonly way: Way }
  | { readonly kind: "overlay-copy"; readonly reflink: boolean; readonly why: string };

export interface TreeProbeOptions {
  /** A folder of the file system in which processes will write. */
  readonly folder: string;
  /** The workspace; without it, an empty folder serves. */
  readonly base?: string;
  /** What runs behind the mount, to see whether that works; e.g. bwrap making name spaces of its own. */
  readonly inside?: Command;
}

/** Deletes, makes anew and hides, and ends well only when the kernel shows what it should. */
const TRY = `
[ -e kept ] && ! [ -e hidden ] && rm -r folder && mkdir folder && ! [ -e folder/old ] && echo new >folder/new && rm kept || exit 1
exec "$@"
`;

/**
 * Tries, once for each way to get name spaces, what processes will need: an overlay mount in `folder` with deletions,
 * directories made anew and hidden paths; then a mount over `base`. Rejects only when `folder` itself cannot be used.
 */
export async function probeTree({ folder, base, inside = [SHELL, "-c", ":"] }: TreeProbeOptions): Promise<TreeProbe> {
  const reasons: string[] = [];
  for (const way of WAYS) {
    const reason = await withScratch(folder, (scratch) => tryMount(way, scratch, { base, inside }));
    if (reason === undefined) return { kind: "overlay-mount", way };
    reasons.push(reason);
  }
  const reflink = await withScratch(folder, (scratch) => Promise.resolve(canReflink(scratch)));
  return { kind: "overlay-copy", reflink, why: reasons[0] ?? "this system gives no name spaces" };
}

async function tryMount(
  way: Way,
  scratch: string,
  { base, inside }: { readonly base: string | undefined; readonly inside: Command },
): Promise<string | undefined> {
  const own = join(scratch, "workspace");
  for (const name of ["workspace", "workspace/folder", "layer", "upper", "work", "whiteouts"])
    mkdirSync(join(scratch, name));
  for (const name of ["kept", "hidden", "folder/old"]) writeFileSync(join(own, name), "");
  try {
    await new Whiteouts(scratch).render(["hidden"], join(scratch, "whiteouts"), own);
  } catch (error) {
    if (error instanceof ToolError) return error.message;
    throw error;
  }
  const layers = layersOf(own, scratch);
  const tried = await attempt(mounted(way, layers, [SHELL, "-c", TRY, "pinion", ...inside]));
  if ("failure" in tried) return tried.failure;
  if (!existsSync(join(own, "kept")) || !existsSync(join(own, "folder/old")))
    return "a mount did not keep the workspace";
  if (base === undefined) return undefined;
  for (const name of ["upper", "work"]) {
    removeTree(join(scratch, name));
    mkdirSync(join(scratch, name));
  }
  const real = await attempt(mounted(way, layersOf(base, scratch), inside));
  return "failure" in real ? real.failure : undefined;
}

function layersOf(base: string, scratch: string): Layers {
  const { dev, ino } = statSync(base, { bigint: true });
  return { base, identity: `${dev}:${ino}`, scratch, upper: join(scratch, "layer") };
}

function canReflink(scratch: string): boolean {
  const file = join(scratch, "file");
  writeFileSync(file, "x");
  try {
    copyFileSync(file, `${file}-copy`, constants.COPYFILE_FICLONE_FORCE);
    return true;
  } catch {
    // ENOTSUP, EINVAL, EXDEV, ENOSYS: the answer to the question.
    return false;
  } finally {
    rmSync(`${file}-copy`, { force: true });
  }
}

async function withScratch<T>(folder: string, use: (scratch: string) => Promise<T>): Promise<T> {
  const scratch = makeScratch(folder);
  try {
    return await use(scratch);
  } finally {
    removeTree(scratch);
  }
}
