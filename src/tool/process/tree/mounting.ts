import { type Command, enter, leave, SHELL, type Way } from "../namespaces.ts";

/** What a script that prepares a tree says before its own reason; it ends with exit code 125 then. */
export const UNMOUNTED = "pinion: the merged tree cannot be made";

/**
 * Options of every mount (kernel: Documentation/filesystems/overlayfs). Nothing that the workspace's files say about
 * themselves leads elsewhere: no redirects are followed, and no file takes its bytes from another. The layers are named by
 * descriptors, so that no name has to be escaped: 9 is the run's own layer, 8 the scratch folder, and the workspace is where
 * the shell is. An entry of the layer is seen over a whiteout, a whiteout over the workspace.
 */
const SAFE = "userxattr,redirect_dir=nofollow,metacopy=off";
const BELOW = "/proc/self/fd/9:/proc/self/fd/8/whiteouts:.";

/** Arguments: workspace, its `device:inode`, scratch folder, layer. */
const START = `
fail() { echo "${UNMOUNTED}: $1" >&2; exit 125; }
cd -P -- "$1" 2>/dev/null && [ "$(stat -c %d:%i .)" = "$2" ] || fail 'the workspace is no longer where it was'
exec 8<"$3" 9<"$4"
`;
const MOUNT = `${START}
said=$(mount -t overlay -o 'lowerdir=${BELOW},upperdir=/proc/self/fd/8/upper,workdir=/proc/self/fd/8/work,${SAFE}' pinion "$1" 2>&1) || fail "$said"
exec 8<&- 9<&-
cd -P -- "$1" && [ "$(stat -f -c %T .)" = overlayfs ] || fail 'the workspace is no longer where it was'
shift 4
exec "$@"
`;
/**
 * Answers, for each directory of the upper layer that comes in a line: `n` when there was none before, `m` when what was in it
 * is still seen, `o` when it is not. Only the kernel can tell, by attributes that Node does not read.
 */
const COMPARE = `${START}
mkdir /proc/self/fd/8/before /proc/self/fd/8/after &&
mount -t overlay -o 'ro,lowerdir=${BELOW},${SAFE}' pinion "$3/before" &&
mount -t overlay -o 'ro,lowerdir=/proc/self/fd/8/upper:${BELOW},${SAFE}' pinion "$3/after" || exit 1
before=$3/before after=$3/after upper=$3/upper
while IFS= read -r folder; do
  state=n
  if [ -d "$before/$folder" ] && ! [ -L "$before/$folder" ]; then
    state=m
    for path in "$before/$folder"/* "$before/$folder"/.[!.]* "$before/$folder"/..?*; do
      [ -e "$path" ] || [ -L "$path" ] || continue
      name=\${path##*/}
      if [ -e "$upper/$folder/$name" ] || [ -L "$upper/$folder/$name" ]; then continue; fi
      [ -e "$after/$folder/$name" ] || [ -L "$after/$folder/$name" ] || state=o
      break
    done
  fi
  printf %s "$state"
done
`;

export interface Layers {
  readonly base: string;
  /** `device:inode` of the workspace that was opened. */
  readonly identity: string;
  readonly scratch: string;
  readonly upper: string;
}

/** The command line that shows the merged tree at the path of the workspace, to itself and what it starts, and executes the rest. */
export function mounted(way: Way, layers: Layers, command: Command): Command {
  return [...inNewMounts(way, MOUNT, layers), ...leave(way), ...command];
}

/** The command line that compares the merged tree before and after a process: a line in, a character out. */
export function comparing(way: Way, layers: Layers): Command {
  return inNewMounts(way, COMPARE, layers);
}

function inNewMounts(way: Way, script: string, { base, identity, scratch, upper }: Layers): Command {
  return [...enter(way, "mount"), SHELL, "-c", script, "pinion", base, identity, scratch, upper];
}
