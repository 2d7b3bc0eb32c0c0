import { type ChildProcess, spawn } from "node:child_process";

/** Swaps `dir` for `link` and `leaf` for `leaf-link` and back, as fast as it can, and says how often when it is asked. */
const RACER = `
  const { renameSync } = require("node:fs");
  process.chdir(process.argv[1]);
  let swaps = 0;
  function swap(real, link) {
    renameSync(real, "spare"); renameSync(link, real);
    renameSync(real, link); renameSync("spare", real);
    swaps += 1;
  }
  process.stdout.write("ready");
  process.stdin.once("data", () => process.stdout.write(String(swaps), () => process.exit()));
  (function race() {
    for (let i = 0; i < 200; i++) { swap("dir", "link"); swap("leaf", "leaf-link"); }
    setImmediate(race);
  })();
`;

/** A process that races for the names below a folder. */
export class Racer {
  readonly #process: ChildProcess;

  private constructor(process: ChildProcess) {
    this.#process = process;
  }

  static async start(folder: string): Promise<Racer> {
    const racer = new Racer(spawn(process.execPath, ["-e", RACER, folder], { stdio: ["pipe", "pipe", "inherit"] }));
    await racer.#says();
    return racer;
  }

  /** Ends the race with everything where it was; how many swaps there were. */
  async stop(): Promise<number> {
    this.#process.stdin?.write("stop");
    return Number(await this.#says());
  }

  kill(): void {
    this.#process.kill("SIGKILL");
  }

  #says(): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#process.stdout?.once("data", (data: Buffer) => resolve(data.toString()));
      this.#process.once("exit", () => reject(new Error("the racing process has ended")));
    });
  }
}
