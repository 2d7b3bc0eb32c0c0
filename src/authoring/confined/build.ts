import { spawn } from "node:child_process";
import { existsSync, realpathSync } from "node:fs";
import { findPackageJSON } from "node:module";
import { dirname, extname, join } from "node:path";
import { BuildError } from "../fault.ts";
import { REFUSED } from "./exit.ts";

/** Of bubblewrap and util-linux, where Debian and others put them. */
const BWRAP = "/usr/bin/bwrap";
const PRLIMIT = "/usr/bin/prlimit";
const LIBRARIES = ["/lib", "/lib64", "/usr/lib", "/usr/lib64"];
const COMPILER = "componentize-qjs";
const MiB = 1024 * 1024;
/** What the compiler may use, and all that it starts: writable memory and files in bytes, processor time in s. */
const LIMITS = { core: 0, data: 2048 * MiB, fsize: 64 * MiB, cpu: 30, nofile: 256 };
const DEADLINE_MS = 45_000;
/** The largest component, and the longest complaint, in bytes. */
const MOST_BYTES = 16 * MiB;
const MOST_WORDS = 64 * 1024;
const TELLS = 4000;

export interface ConfinedBuild {
  /** One TypeScript module; it may import the SDK by `./sdk/hook.ts` and what the WIT world has, nothing else. */
  readonly source: string;
  /** Absolute path of the Node executable. */
  readonly node: string;
  /** Where Pinion is: its `wit`, its `packages/hook-sdk`, its sources. */
  readonly installation: string;
  readonly signal: AbortSignal;
}

/**
 * Builds a hook from a source that nobody has looked at, in namespaces of its own: no network, no environment, of files what a
 * compiler is made of, bounded in time, memory and output. Throws `BuildError` where the source does not compile or uses too much, and
 * where there is no compiler or nothing to confine it with: it is never compiled without.
 */
export async function buildConfined({ source, node, installation, signal }: ConfinedBuild): Promise<Uint8Array> {
  const child = spawn(BWRAP, argumentsOf({ node, installation }), { env: {}, stdio: ["pipe", "pipe", "pipe"] });
  return new Promise((resolve, reject) => {
    let why: string | undefined;
    const stop = (reason: string) => {
      why ??= reason;
      // What it started is in its process namespace and ends with it.
      child.kill("SIGKILL");
    };
    const timer = setTimeout(() => stop(`it takes more than ${DEADLINE_MS} ms to build`), DEADLINE_MS);
    const cancel = () => stop("the build was cancelled");
    signal.addEventListener("abort", cancel);
    if (signal.aborted) cancel();
    const component = collect(child.stdout, MOST_BYTES, () => stop(`its component has more than ${MOST_BYTES} bytes`));
    const words = collect(child.stderr, MOST_WORDS, () => stop("the compiler has too much to say"));
    child.stdin.on("error", () => undefined); // it ended without reading: its exit code says why
    child.stdin.end(source);
    child.on("error", (cause: NodeJS.ErrnoException) => stop(`nothing confines the compiler here (${cause.code})`));
    child.on("close", (code) => {
      clearTimeout(timer);
      signal.removeEventListener("abort", cancel);
      if (why === undefined && code === 0) return resolve(Buffer.concat(component));
      const said = shown(Buffer.concat(words).toString("utf8"), installation);
      reject(new BuildError(why ?? (code === REFUSED ? said : `the compiler failed (${code ?? "killed"}): ${said}`)));
    });
  });
}

/** Without paths that nobody needs to know, and what the compiler says of itself. */
function shown(text: string, installation: string): string {
  const plain = text
    .replaceAll(realpathSync(installation), "pinion")
    .replaceAll(/\/tmp\/pinion-hook-\w+\//g, "")
    .replace(/\n+componentize-qjs\n.*$/s, "");
  return plain.slice(0, TELLS).trim().toWellFormed();
}

function collect(stream: NodeJS.ReadableStream, most: number, exceed: () => void): Buffer[] {
  const parts: Buffer[] = [];
  let length = 0;
  stream.on("data", (part: Buffer) => {
    length += part.length;
    if (length > most) exceed();
    else parts.push(part);
  });
  return parts;
}

function argumentsOf({ node, installation }: Pick<ConfinedBuild, "node" | "installation">): readonly string[] {
  const found = findPackageJSON(COMPILER, join(installation, "package.json"));
  if (found === undefined) throw new BuildError(`the compiler \`${COMPILER}\` is not installed with Pinion`);
  if (!existsSync(BWRAP)) throw new BuildError("there is no bubblewrap to confine the compiler with");
  const main = join(import.meta.dirname, `main${extname(import.meta.filename)}`);
  const executable = realpathSync(node);
  const packages = dirname(dirname(realpathSync(found)));
  const own = ["package.json", "wit", "packages"].map((name) => join(installation, name));
  const code = [dirname(dirname(import.meta.dirname)), packages, ...own].map((path) => realpathSync(path));
  const limited = existsSync(PRLIMIT)
    ? [PRLIMIT, ...Object.entries(LIMITS).map(([name, value]) => `--${name}=${value}`), "--"]
    : [];
  const readable = [executable, ...code, ...(limited.length > 0 ? [PRLIMIT] : [])];
  return [
    ...["--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL"],
    ...LIBRARIES.flatMap((folder) => ["--ro-bind-try", folder, folder]),
    ...["--dev", "/dev", "--tmpfs", "/tmp"],
    ...readable.flatMap((path) => ["--ro-bind", path, path]),
    ...["--remount-ro", "/", "--chdir", "/tmp", "--"],
    ...[...limited, executable, "--no-warnings", "--max-old-space-size=1024", main, realpathSync(installation)],
  ];
}
