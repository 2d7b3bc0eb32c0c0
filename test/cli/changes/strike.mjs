/**
 * Preloaded into a command: at call `STRIKE_AT` of those that change files it sends this process the signal of `STRIKE_WITH`,
 * or lets the call fail with that error, such as `ENOSPC`; and says on stderr how many calls there were when it ends.
 * `SIGKILL` stops it before that call; any other signal is handled first.
 */
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

const at = Number(process.env.STRIKE_AT);
const signal = process.env.STRIKE_WITH;
let calls = 0;

function struck(owner, name) {
  const original = owner[name];
  owner[name] = function (...args) {
    calls += 1;
    if (calls === at) {
      if (signal.startsWith("SIG")) process.kill(process.pid, signal);
      else return fail(name, args.at(-1), owner === fs.promises);
    }
    return original.apply(this, args);
  };
}

function fail(name, callback, promised) {
  const error = Object.assign(new Error(`${signal}: injected into ${name}`), { code: signal });
  if (typeof callback === "function") return void setImmediate(callback, error);
  if (promised) return Promise.reject(error);
  throw error;
}

const SYNC = ["writeSync", "renameSync", "unlinkSync", "rmdirSync", "rmSync", "mkdirSync", "symlinkSync", "linkSync"];
for (const name of [...SYNC, "fsyncSync", "fdatasyncSync", "ftruncateSync", "fchmodSync", "copyFileSync"])
  struck(fs, name);
for (const name of ["fsync", "fdatasync", "rename", "write"]) struck(fs, name);
for (const name of ["open", "rename", "unlink", "mkdir", "rm"]) struck(fs.promises, name);
syncBuiltinESMExports();
process.on("exit", () => fs.writeSync(2, `calls: ${calls}\n`));
