// A process that tells the story and is killed before its n-th system call on the disk or on the world.
import { randomBytes } from "node:crypto";
import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { argv, kill, pid } from "node:process";
import { createJournal } from "../../src/journal/open.ts";
import { story } from "./story.ts";
import { watchedDisk } from "./watched-disk.ts";

const [, , root = "", killAt = "-1"] = argv;
let calls = 0;
const step = () => {
  if (calls === Number(killAt)) kill(pid, "SIGKILL");
  calls += 1;
};
const journal = await createJournal({
  folder: join(root, "runs", "r1"),
  keys: join(root, "keys"),
  header: { run: "r1", kernel: "1" },
  clock: () => Date.now(),
  monotonic: () => performance.now(),
  random: (bytes) => randomBytes(bytes),
  cancel: new AbortController().signal,
  disk: watchedDisk(step),
});
await story(journal, async (what) => {
  step();
  appendFileSync(join(root, "world.log"), `${what}\n`);
  step();
  return what === "tool 1" ? what.repeat(20_000) : what;
});
await journal.close();
writeFileSync(join(root, "calls"), String(calls));
