import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * A program that is Node for whoever starts it: a real hook host runs behind it, and `tamper` sits between. It is the body of
 * a function of `head` (a decoded frame), `send` (writes a head) and `raw` (writes bytes); what it does not return as `true` is
 * passed on as it is.
 */
export async function tamperingNode(tamper: string): Promise<{ readonly path: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), "pinion-node-"));
  const path = join(folder, "node");
  const script = `#!${process.execPath}
const { spawn } = require("node:child_process");
const { writeSync } = require("node:fs");
const child = spawn(${JSON.stringify(process.execPath)}, process.argv.slice(2), { env: {}, stdio: ["inherit", "pipe", "ignore"] });
child.on("exit", (code) => process.exit(code ?? 1));
const raw = (bytes) => { for (let at = 0; at < bytes.length; ) at += writeSync(1, bytes, at); };
const frame = (text) => { const prefix = Buffer.alloc(8); prefix.writeUInt32LE(text.length); return Buffer.concat([prefix, text]); };
const send = (head) => raw(frame(Buffer.from(JSON.stringify(head))));
const tamper = (head) => { ${tamper} };
let have = Buffer.alloc(0);
child.stdout.on("data", (chunk) => {
  have = Buffer.concat([have, chunk]);
  while (have.length >= 8 && have.length >= 8 + have.readUInt32LE(0)) {
    const text = have.subarray(8, 8 + have.readUInt32LE(0));
    have = have.subarray(8 + text.length);
    if (tamper(JSON.parse(text)) !== true) raw(frame(text));
  }
});
`;
  await writeFile(path, script);
  await chmod(path, 0o700);
  return { path, remove: () => rm(folder, { recursive: true, force: true }) };
}
