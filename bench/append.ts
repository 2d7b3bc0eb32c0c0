/**
 * What it costs to have entries on disk: the journal of one run with eight entries a barrier (and with signed checkpoints, here and
 * elsewhere, as runs have them), against a sync for each entry and against better-sqlite3. Taken in turns in one process.
 *
 * `node bench/append.ts [rounds]`
 */
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import type { RunJournal } from "../src/journal/journal.ts";
import { createJournal } from "../src/journal/open.ts";
import { signCheckpoint, toCheckpoint } from "../src/trust/checkpoint.ts";
import { signingKey } from "../src/trust/ed25519.ts";
import { type Candidate, interleaved, p50, say } from "./measure.ts";

const rounds = Number(process.argv[2] ?? 40);
/** Entries that every candidate appends in a round, of about 2 KB each. */
const ENTRIES = 256;
const BARRIER = 8;
const body = { text: "x".repeat(1900) };

const root = mkdtempSync(join(tmpdir(), "pinion-append-"));
const key = signingKey(randomBytes(32));

function journal(run: string, every: number | undefined): Promise<RunJournal> {
  const checkpoints = {
    every: every ?? 0,
    to: [join(root, "elsewhere.jsonl")],
    sign: (payload: string) => signCheckpoint(key, payload),
    payloadOf: (json: Parameters<typeof toCheckpoint>[0]) => toCheckpoint(json)?.payload,
  };
  return createJournal({
    folder: join(root, "runs", run),
    keys: join(root, "keys"),
    header: { run, kernel: "bench" },
    clock: () => Date.now(),
    monotonic: () => performance.now(),
    random: (bytes) => randomBytes(bytes),
    cancel: new AbortController().signal,
    onDurable: () => undefined,
    ...(every === undefined ? {} : { checkpoints }),
  });
}

async function append(to: RunJournal, barrier: number): Promise<void> {
  for (let i = 1; i <= ENTRIES; i += 1) {
    to.check("check.boundary", body);
    if (i % barrier === 0) await to.durable();
  }
}

const [eight, signed, each] = await Promise.all([
  journal("eight", undefined),
  journal("signed", 256),
  journal("each", undefined),
]);
const file = await open(join(root, "plain.jsonl"), "a");
const line = Buffer.from(`${JSON.stringify(body)}\n`);
const database = new Database(join(root, "journal.db"));
database.pragma("journal_mode = WAL");
database.pragma("synchronous = FULL");
database.exec("create table entry (seq integer primary key, line text not null)");
const insert = database.prepare("insert into entry (line) values (?)");
const text = JSON.stringify(body);

const candidates: readonly Candidate[] = [
  { name: `journal, ${BARRIER} entries a barrier`, call: () => append(eight, BARRIER) },
  { name: "the same with checkpoints here and elsewhere", call: () => append(signed, BARRIER) },
  { name: "journal, every entry a barrier", call: () => append(each, 1) },
  {
    name: "write and fdatasync for each line, nothing else",
    call: async () => {
      for (let i = 0; i < ENTRIES; i += 1) {
        await file.write(line);
        await file.datasync();
      }
    },
  },
  {
    name: "better-sqlite3, WAL, synchronous=FULL, a transaction each",
    call: () => {
      for (let i = 0; i < ENTRIES; i += 1) insert.run(text);
    },
  },
  {
    name: `better-sqlite3, the same with ${BARRIER} inserts a transaction`,
    call: () => {
      for (let i = 0; i < ENTRIES; i += BARRIER) {
        database.transaction(() => {
          for (let j = 0; j < BARRIER; j += 1) insert.run(text);
        })();
      }
    },
  },
];

try {
  const measured = await interleaved(candidates, rounds, 3);
  const rates = measured.map((one) => ({ name: one.name, rate: (ENTRIES / p50(one)) * 1000 }));
  console.log(`node ${process.version}, ${rounds} rounds of ${ENTRIES} entries of 2 KB`);
  for (const { name, rate } of rates) say(name, `${Math.round(rate).toLocaleString("en").padStart(8)} entries/s`);
  const [ours = 0, withCheckpoints = 0, single = 0, plain = 0, sqlite = 0] = rates.map(({ rate }) => rate);
  console.log(
    `${BARRIER} a barrier: ${(ours / single).toFixed(1)} × every entry, ${(ours / plain).toFixed(1)} × bare fdatasync, ${(ours / sqlite).toFixed(1)} × SQLite`,
  );
  console.log(`checkpoints cost ${((ours / withCheckpoints - 1) * 100).toFixed(1)} %`);
} finally {
  await Promise.all([eight.close(), signed.close(), each.close(), file.close()]);
  database.close();
  rmSync(root, { recursive: true });
}
