import { PROBE } from "./backend.ts";
import { attempt, type Command, enter, SHELL, WAYS, type Way } from "./namespaces.ts";

/** Makes the program that is to be executed read-only where it is, in a mount name space of its own (mount(8)). */
const SEAL = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$0" "$@"';

/** A command line of bwrap, made such that what it confines cannot change bwrap. */
export type Seal = (bwrap: Command) => Command;

const asItIs: Seal = (command) => command;

/**
 * bwrap is the first process of its sandbox, and `/proc/1/exe` leads out of that to bwrap's own file. Who owns the file, which is
 * root, could change its permissions there; root's bwrap is therefore executed from a mount that nobody can write to.
 */
export async function openSeal(program: string): Promise<{ readonly seal: Seal; readonly notes: readonly string[] }> {
  if (process.getuid?.() !== 0) return { seal: asItIs, notes: [] };
  for (const way of WAYS) {
    if (!("failure" in (await attempt([...sealed(way, [program]), ...PROBE])))) {
      return { seal: (command) => sealed(way, command), notes: [] };
    }
  }
  const note =
    "a command of root can change the permissions of bwrap itself: no mount can be made to keep it from that";
  return { seal: asItIs, notes: [note] };
}

function sealed(way: Way, [program = "", ...rest]: Command): Command {
  return [...enter(way, "mount"), SHELL, "-c", SEAL, program, ...rest];
}
