/** Commands that start other commands, or run code, from words that they are given; an open word behind one is any command. */
const WRAPPERS: Readonly<Record<string, string>> = {
  ...all("is a shell", ["sh", "bash", "dash", "zsh", "ksh", "mksh", "ash", "csh", "tcsh", "fish", "busybox", "toybox"]),
  ...all("starts the command that it is given", [
    ...["env", "xargs", "nice", "ionice", "timeout", "nohup", "setsid", "stdbuf", "time", "watch", "chrt", "taskset"],
    ...[
      "flock",
      "script",
      "parallel",
      "chroot",
      "unshare",
      "nsenter",
      "setpriv",
      "setarch",
      "prlimit",
      "strace",
      "ltrace",
    ],
    ...[
      "sudo",
      "doas",
      "su",
      "runuser",
      "ssh",
      "systemd-run",
      "bwrap",
      "docker",
      "podman",
      "npx",
      "corepack",
      "faketime",
    ],
  ]),
  ...all("runs code that it is given", [
    ...[
      "node",
      "nodejs",
      "deno",
      "bun",
      "python",
      "python2",
      "python3",
      "perl",
      "ruby",
      "php",
      "lua",
      "luajit",
      "tclsh",
    ],
    ...["awk", "gawk", "mawk", "nawk", "sed", "ed", "ex", "vi", "vim", "nvim", "emacs", "gdb", "expect", "m4", "jq"],
  ]),
  ...all("has options that start other commands", [
    ...["find", "git", "make", "gmake", "ninja", "tar", "rsync", "npm", "pnpm", "yarn", "pip", "cargo", "go", "man"],
    ...[
      "less",
      "more",
      "zip",
      "sort",
      "split",
      "rg",
      "ctags",
      "curl",
      "wget",
      "openssl",
      "crontab",
      "at",
      "dpkg",
      "apt-get",
    ],
  ]),
};

function all(why: string, commands: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(commands.map((command) => [command, why]));
}

/** Why a command with this open pattern may come to any command; undefined when nothing is known against it. */
export function wrapperIn(pattern: readonly string[]): string | undefined {
  const [command = "", ...words] = pattern;
  if (command === "*" || command === "**") return "any command may be started";
  if (!words.some((word) => word === "*" || word === "**")) return undefined;
  const plain = command.slice(command.lastIndexOf("/") + 1).replace(/(?<=[a-z])[\d.]+$/, "");
  const why = Object.hasOwn(WRAPPERS, command)
    ? WRAPPERS[command]
    : Object.hasOwn(WRAPPERS, plain)
      ? WRAPPERS[plain]
      : undefined;
  return why === undefined ? undefined : `\`${command}\` ${why}`;
}
