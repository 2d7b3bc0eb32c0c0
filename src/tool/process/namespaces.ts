import { type ChildProcess, execFile } from "node:child_process";

/** How this user gets name spaces: directly, or inside a user name space in which it is root. */
export type Way = "root" | "user";
export type Command = readonly string[];

/** util-linux; not looked up on a PATH that somebody could set. */
const UNSHARE = "/usr/bin/unshare";
export const SHELL = "/bin/sh";
/** The environment of everything that only prepares a command: it starts the command with one of its own. */
export const PREPARING: Readonly<Record<string, string>> = { PATH: "/usr/bin:/bin:/usr/sbin:/sbin", LC_ALL: "C" };

/** Ways to try, the one that changes less first. */
export const WAYS: readonly Way[] = process.getuid?.() === 0 ? ["root", "user"] : ["user"];

/** The beginning of a command line whose rest runs in new name spaces, as root of them (unshare(1)). */
export function enter(way: Way, ...kinds: readonly ("mount" | "net")[]): Command {
  const user = way === "user" ? ["--user", "--map-root-user"] : [];
  return [UNSHARE, ...user, ...kinds.map((kind) => `--${kind}`)];
}

/**
 * The beginning of a command line whose rest is the user again that Pinion is, without power over the name spaces that were
 * entered. Root that entered them directly stays root.
 */
export function leave(way: Way): Command {
  if (way === "root") return [];
  return [UNSHARE, "--user", `--map-user=${process.getuid?.()}`, `--map-group=${process.getgid?.()}`];
}

/** How long pipes may stay open behind the end of a command. */
const CLOSE_MS = 1000;

/** A command that was killed may leave one that holds its pipes open, such as the other half of bwrap: nobody waits for that. */
export function closeAfter(child: ChildProcess): void {
  child.once("exit", () => {
    const late = setTimeout(() => {
      for (const pipe of child.stdio) pipe?.destroy();
    }, CLOSE_MS);
    child.once("close", () => clearTimeout(late));
  });
}

/** What a command wrote to stdout, or why it failed. Never throws. */
export function attempt(
  [program = "", ...rest]: Command,
  options: { readonly input?: string | Buffer } = {},
): Promise<{ readonly output: string } | { readonly failure: string }> {
  return new Promise((resolve) => {
    const limits = { env: { ...PREPARING }, cwd: "/", timeout: 60_000, maxBuffer: 64 * 1024 * 1024 };
    const child = execFile(program, rest, limits, (error, stdout, stderr) => {
      if (error === null) resolve({ output: stdout });
      else if ("code" in error && error.code === "ENOENT") resolve({ failure: `\`${program}\` is not installed` });
      else resolve({ failure: stderr.trim().split("\n")[0] || `exit code ${error.code ?? "none"}` });
    });
    closeAfter(child);
    // EPIPE: it ended before it read everything, and its exit code tells why.
    child.stdin?.on("error", () => child.stdin?.destroy());
    child.stdin?.end(options.input ?? "");
  });
}
