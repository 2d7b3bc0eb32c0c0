/**
 * Makes a checkout ready: installs what is missing and checks which Node the rest will run on.
 * It runs before `npm start` and `npm test`, in a shell of its own, under whatever Node is first on the PATH,
 * so it uses nothing but built-ins and syntax of Node 20.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const WANTED = 24;

/** Why node_modules does not hold what package-lock.json names, or undefined when it does. */
export function missing(wanted, installed) {
  for (const [path, entry] of Object.entries(wanted.packages)) {
    if (path === "") continue;
    const found = installed.packages[path];
    if (found === undefined && (entry.optional || entry.devOptional)) continue;
    if (found?.version !== entry.version || found?.integrity !== entry.integrity) return path;
  }
  return undefined;
}

function reasonToInstall() {
  const installed = join(root, "node_modules/.package-lock.json");
  if (!existsSync(installed)) return "nothing is installed yet";
  const path = missing(readJson(join(root, "package-lock.json")), readJson(installed));
  return path && `${path} is not the one of package-lock.json`;
}

function readJson(path) {
  return JSON.parse(readFileSync(path, "utf8"));
}

function main() {
  const reason = reasonToInstall();
  if (reason) {
    process.stderr.write(`installing dependencies with npm ci (${reason})\n`);
    if (!npm("ci", "--ignore-scripts", "--no-audit", "--no-fund")) {
      return fail("npm ci could not install the dependencies; its message is above");
    }
  }
  // The one install script that is needed puts Node where it belongs; the others would ask for a compiler.
  if (!isNodeThere()) npm("rebuild", "node");
  if (!isNodeThere())
    return fail(`node_modules/.bin/node is not Node ${WANTED} or newer; remove node_modules and try again`);
}

function isNodeThere() {
  const { stdout } = spawnSync(join(root, "node_modules/.bin/node"), ["--version"], { encoding: "utf8" });
  return Number(/^v(\d+)\./.exec(stdout ?? "")?.[1]) >= WANTED;
}

function npm(...args) {
  const script = process.env.npm_execpath;
  const [command, ...before] = script?.endsWith(".js") ? [process.execPath, script] : ["npm"];
  const all = [...before, ...args, "--loglevel=error"];
  return spawnSync(command, all, { cwd: root, stdio: ["ignore", 2, 2] }).status === 0;
}

function fail(message) {
  process.stderr.write(`error: ${message}\n`);
  process.exitCode = 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
