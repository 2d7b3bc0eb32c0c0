/**
 * Starts a command on a Node that can run it. Plain JavaScript that Node 20 parses; nothing native is loaded
 * before the version is known, since native parts crash under an older Node.
 */
import { existsSync } from "node:fs";
import * as module from "node:module";
import { constants, homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { fileURLToPath } from "node:url";

const WANTED = 24;
const root = fileURLToPath(new URL("..", import.meta.url));

/** Runs `main` of src/cli/<name>.ts in a checkout, or of its compiled form in a published package. */
export async function launch(name) {
  const major = Number(process.versions.node.split(".")[0]);
  if (major < WANTED) return relaunch();
  const cache = process.env.XDG_CACHE_HOME;
  module.enableCompileCache(join(cache && isAbsolute(cache) ? cache : join(homedir(), ".cache"), "pinion", "compiled"));
  const source = new URL(`../src/cli/${name}.ts`, import.meta.url);
  const compiled = new URL(`../dist/src/cli/${name}.js`, import.meta.url);
  const { main } = await import(existsSync(source) ? source : compiled);
  process.exitCode = await main(process.argv.slice(2));
}

async function relaunch() {
  const newer = join(root, "node_modules", "node", "bin", "node");
  if (!existsSync(newer)) {
    process.stderr.write(
      `error: this needs Node ${WANTED} or newer and runs on ${process.version}; put a newer Node first on the PATH\n`,
    );
    process.exitCode = 1;
    return;
  }
  const { spawn } = await import("node:child_process");
  const child = spawn(newer, process.argv.slice(1), { stdio: "inherit" });
  // A terminal sends SIGINT to both processes; the other signals reach only this one.
  process.on("SIGINT", () => undefined);
  for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("exit", (code, signal) => {
    process.exitCode = code ?? 128 + constants.signals[signal];
  });
}
