/**
 * The hook host: a process without permissions, environment or files that runs guests. It reads frames from its standard
 * input and writes frames to its standard output, both blocking; a hostcall that needs an answer blocks until the answer
 * comes. It ends when its input does.
 */
import { Buffer } from "node:buffer";
import { readSync, writeSync } from "node:fs";
import { digestOf } from "../../model/canonical.ts";
import type { AuditRide } from "../../model/hook.ts";
import { AuditRecord } from "./audit-record.ts";
import { type Ask, Bug } from "./door.ts";
import { Exhausted } from "./gauge.ts";
import { importGenerated } from "./generated.ts";
import { Instance } from "./instance.ts";
import { lockDown } from "./lockdown.ts";
import { type Compiled, compileModule } from "./modules.ts";
import { selfCheck } from "./self-check.ts";
import {
  type AnswerMessage,
  type BatchMessage,
  EXHAUSTED,
  encodeFrame,
  type Frame,
  FrameDecoder,
  type FromHost,
  type LoadMessage,
  TO_HOST,
  type ToHost,
} from "./wire.ts";

const { exit } = process;
let current = 0;
let record = new AuditRecord();
/** Core modules by their digest. */
const held = new Map<string, Compiled>();
const instances = new Map<string, Instance>();
const decoder = new FrameDecoder(TO_HOST);
const waiting: Frame[] = [];
const input = Buffer.alloc(1 << 16);

const confined = selfCheck();
lockDown();
send({ kind: "ready", ...confined });
try {
  for (;;) {
    const { head, body } = receive();
    if (head.kind === "load") send({ kind: "loaded", ...(await load(head, body)) });
    else if (head.kind === "batch") run(head);
    else throw new Bug("an answer that nobody waits for");
    // Lets the promises of the generated code settle.
    await undefined;
  }
} catch (error) {
  if (error instanceof Exhausted) exit(EXHAUSTED);
  throw error;
}

async function load(message: LoadMessage, body: Uint8Array) {
  const [glue, ...files] = message.files;
  if (!glue) throw new Bug("a component without a program");
  const program = await importGenerated(Buffer.from(body.subarray(0, glue.size)).toString("utf8"));
  const modules = new Map<string, Compiled>();
  let at = glue.size;
  for (const { name, size, digest, held: known } of files) {
    if (!known) {
      held.set(digest, compileModule(body.subarray(at, at + size)));
      at += size;
    }
    const compiled = held.get(digest);
    if (!compiled) throw new Bug(`a module \`${digest}\` that was never sent`);
    modules.set(name, compiled);
  }
  const { loaded, instance } = Instance.load({ message, program, modules, ask: asker(message.hook) });
  if (instance) instances.set(message.hook, instance);
  return loaded;
}

function run(batch: BatchMessage): void {
  current = batch.batch;
  record = new AuditRecord();
  for (const hook of batch.hooks) {
    const { outcome, fuel, log } = instanceOf(hook).handle(batch.phase, batch.payload, batch);
    record.log(hook, log);
    send({ batch: current, kind: "result", hook, outcome, fuel, log });
    if (outcome.kind === "failed" || outcome.decision === "transform") return;
    record.verdict(hook, outcome.decision, outcome.rationale);
  }
  if (batch.audit) ride(batch, batch.audit, record.text(batch.audit));
}

/** The audit of the boundary, in the same trip. */
function ride(batch: BatchMessage, { hooks }: AuditRide, text: string): void {
  const saw = digestOf(text);
  for (const hook of hooks) {
    const { outcome, fuel, log } = instanceOf(hook).handle("audit", text, batch);
    send({ batch: current, kind: "result", hook, outcome, fuel, log, saw });
    if (outcome.kind === "failed" || outcome.decision === "transform") return;
  }
}

function instanceOf(hook: string): Instance {
  const instance = instances.get(hook);
  if (!instance) throw new Bug(`the hook \`${hook}\` was not loaded`);
  return instance;
}

function asker(hook: string): Ask {
  return (call, request, log, fuel) => {
    record.log(hook, log);
    send({ batch: current, kind: "hostcall", hook, call, arguments: request, fuel, log });
    return answer();
  };
}

/** Blocks until the answer to a hostcall is there. Batches that were sent ahead wait for their turn. */
function answer(): AnswerMessage {
  const ahead: Frame[] = [];
  for (;;) {
    const { head, body } = receive();
    if (head.kind === "answer") {
      waiting.unshift(...ahead);
      return head;
    }
    if (head.kind !== "batch") throw new Bug("a message while an answer was awaited");
    ahead.push({ head, body });
  }
}

/** Blocks until a whole frame is there. Both ends are Pinion's own: what arrives has the types of `ToHost`. */
function receive(): { readonly head: ToHost; readonly body: Uint8Array } {
  for (;;) {
    const frame = waiting.shift();
    if (frame) return { head: frame.head as ToHost, body: frame.body };
    const length = readSync(0, input);
    if (length === 0) exit(0);
    waiting.push(...decoder.push(Buffer.from(input.subarray(0, length))));
  }
}

function send(message: FromHost): void {
  const frame = encodeFrame(message);
  for (let at = 0; at < frame.length; ) at += writeSync(1, frame, at);
}
