// A process that tries to take a run's folder when told to, says whether it has it, and keeps it until its input ends.
import { argv, stdin, stdout } from "node:process";
import { createInterface } from "node:readline";
import { lock } from "../../src/journal/lock.ts";

const [, , folder = ""] = argv;
stdout.write("ready\n");
createInterface({ input: stdin }).on("line", () => {
  try {
    lock(folder);
    stdout.write("taken\n");
  } catch (error) {
    stdout.write(`${error instanceof Error && "code" in error ? String(error.code) : "odd"}\n`);
  }
});
