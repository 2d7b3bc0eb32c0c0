import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

export interface Done {
  readonly exit: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A user with an empty home directory at a shell whose current folder is empty too. */
export class Shell {
  readonly home = mkdtempSync(join(tmpdir(), "pinion-home-"));
  readonly cwd = mkdtempSync(join(tmpdir(), "pinion-cwd-"));
  readonly env: Readonly<Record<string, string | undefined>>;

  constructor(variables: Readonly<Record<string, string>> = {}) {
    this.env = { HOME: this.home, PATH: process.env.PATH, ...variables };
  }

  run(bin: string, ...args: readonly string[]): Done {
    return this.script(`bin/${bin}.mjs`, ...args);
  }

  /** A script of the repository, by its path from the root. */
  script(path: string, ...args: readonly string[]): Done {
    const { status, stdout, stderr } = spawnSync(process.execPath, [resolve(path), ...args], {
      encoding: "utf8",
      env: this.env,
      cwd: this.cwd,
      maxBuffer: 64 * 1024 * 1024,
    });
    return { exit: status, stdout, stderr };
  }

  /** The same without waiting: `onTalk` gets everything that was written to stderr so far, and may send a signal. */
  start(
    bin: string,
    args: readonly string[],
    onTalk: (stderr: string, kill: (signal: NodeJS.Signals) => void) => void,
  ) {
    const child = spawn(process.execPath, [resolve("bin", `${bin}.mjs`), ...args], { env: this.env, cwd: this.cwd });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (chunk) => {
      stdout += String(chunk);
    });
    child.stderr.on("data", (chunk) => {
      stderr += String(chunk);
      onTalk(stderr, (signal) => child.kill(signal));
    });
    return new Promise<Done>((done) => child.on("close", (exit) => done({ exit, stdout, stderr })));
  }
}
