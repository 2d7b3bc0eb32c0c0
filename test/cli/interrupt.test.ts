import { type ChildProcess, spawn } from "node:child_process";
import { pathToFileURL } from "node:url";
import { afterEach, expect, it } from "vitest";

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

const module = pathToFileURL("src/cli/interrupt.ts").href;

/** A process that goes on for ever; it says when it is ready, and when it was asked to stop. */
const PROGRAM = `
import { interruptible } from "${module}";
const out = { data() {}, talk: (text) => console.log(text) };
const { signal, release } = interruptible(out);
signal.addEventListener("abort", () => console.log("aborted"));
setInterval(() => {}, 1000);
if (process.argv[1] === "release") release();
console.log("ready");
`;

/** Sends a signal whenever `word` is said, and resolves with what was said and how the process ended. */
function tell(
  signals: Readonly<Record<string, NodeJS.Signals>>,
  argument = "",
): Promise<{ said: string; ended: string }> {
  const args = ["--input-type=module", "-e", PROGRAM, argument];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "ignore"] });
  children.push(child);
  let said = "";
  const pending = new Map(Object.entries(signals));
  child.stdout.on("data", (chunk) => {
    said += String(chunk);
    for (const [word, signal] of pending) {
      if (!said.includes(word)) continue;
      pending.delete(word);
      child.kill(signal);
    }
  });
  return new Promise((done) => child.on("close", (code, signal) => done({ said, ended: signal ?? String(code) })));
}

it("aborts at the first signal and is killed by the second", async () => {
  const { said, ended } = await tell({ ready: "SIGINT", aborted: "SIGINT" });
  expect(said).toBe("ready\nstopping after what is under way; once more to kill\naborted\n");
  expect(ended).toBe("SIGINT");
});

it("takes SIGTERM like SIGINT", async () => {
  expect((await tell({ ready: "SIGTERM", aborted: "SIGTERM" })).ended).toBe("SIGTERM");
});

it("gives the signals back when the run is over", async () => {
  expect(await tell({ ready: "SIGINT" }, "release")).toEqual({ said: "ready\n", ended: "SIGINT" });
});
