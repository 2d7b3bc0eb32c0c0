import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import type { Handed } from "../secrets/uses.ts";
import type { BackendName } from "./backend.ts";
import { SECRETS } from "./bwrap.ts";
import { SHELL } from "./namespaces.ts";
import { removeTree } from "./tree/scratch.ts";

/** How secrets come to a command: never by its arguments, and not by the environment of anything but the command. */
export interface Handing {
  /** What the launcher reads from the pipe: commands of the shell. Undefined when there is nothing to read. */
  readonly script: string | undefined;
  /** What the command gets as its standard input instead of that of the call. */
  readonly stdin: string | undefined;
  /** Whether there are files, which a confined command needs a place for. */
  readonly files: boolean;
  /** Removes the files that were made on the host. Throws what the system says. */
  dispose(): void;
}

/** `folder`: where files are made for a command that is not confined; one that is has them in memory of its own. */
export function handingOf(
  handed: readonly Handed[],
  { backend, folder }: { readonly backend: BackendName; readonly folder: () => string },
): Handing {
  const stdin = handed.find(({ as }) => as === "stdin")?.value;
  const rest = handed.filter(({ as }) => as !== "stdin");
  const files = rest.some(({ as }) => as === "file");
  const made = files && backend === "unconfined" ? mkdtempSync(join(folder(), "handed-")) : undefined;
  const lines = rest.map(({ name, as, to, value }) => {
    if (as === "environment") return `export ${to}=${quoted(value)}`;
    const path = quoted(join(made ?? SECRETS, name));
    return `(umask 077; printf %s ${quoted(value)} >${path}) || exit 125\nexport ${to}=${path}`;
  });
  return {
    script: rest.length === 0 ? undefined : [...lines, "handed=all", ""].join("\n"),
    stdin,
    files,
    dispose: () => (made === undefined ? undefined : removeTree(made)),
  };
}

/** What the launcher says when the pipe did not hold everything. */
export const UNHANDED = "pinion: the secrets of the call could not be handed over";

/**
 * A command line that reads the script from a descriptor, closes it, and becomes the command. It runs in the command's own empty
 * environment, to which a shell adds some variables about itself. `cat` reads a socket, which a shell cannot open by its path.
 */
export function handedTo(descriptor: number, words: readonly string[]): readonly string[] {
  const script = [
    `handed=; eval "$(/bin/cat <&${descriptor})"; exec ${descriptor}<&-`,
    `[ "$handed" = all ] || { echo '${UNHANDED}' >&2; exit 125; }`,
    'unset handed PWD OLDPWD SHLVL; exec "$@"',
  ].join("\n");
  return [SHELL, "-c", script, "pinion", ...words];
}

/** As one word of the shell (POSIX.1-2024, 2.2.2). */
function quoted(value: string): string {
  return `'${value.replaceAll("'", "'\\''")}'`;
}
