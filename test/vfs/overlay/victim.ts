// A process that goes through the story from a step on and is killed before its n-th call to the disk in it.
import { join } from "node:path";
import { argv } from "node:process";
import { killAt } from "./killer.ts";
import { STORY } from "./story.ts";

const [, , root = "", n = "-1"] = argv;
const { appendFileSync, writeFileSync } = await import("node:fs");
const count = killAt(Number(n));
const { openOverlay } = await import("../../../src/vfs/overlay/open.ts");
const overlay = await openOverlay({
  base: join(root, "workspace"),
  folder: join(root, "run", "overlay"),
  quota: { bytes: 1_000_000, files: 1000 },
});
const at = { overlay, root: overlay.open(["read", "write"]), left: join(root, "left") };
for (const [name, step] of Object.entries(STORY)) {
  await step(at);
  appendFileSync(join(root, "done"), `${name}\n`);
}
overlay.close();
writeFileSync(join(root, "calls"), String(count.calls));
