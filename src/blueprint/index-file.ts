import { rm } from "node:fs/promises";
import type { Database } from "better-sqlite3";
import { digestOf } from "../model/canonical.ts";
import { WorldError } from "../model/errors.ts";

/** One file of the index: its path, the sha256 of its bytes, and what is known of it, as JSON. */
export interface Row {
  readonly path: string;
  readonly bytes: string;
  readonly entry: string;
}

export interface IndexFile {
  rows(): Row[];
  /** Puts `now` in the place of all rows for which `isOld` holds, in one transaction. */
  replace(isOld: (row: Row) => boolean, now: readonly Row[]): void;
  close(): void;
}

const TABLE =
  "CREATE TABLE file (path TEXT PRIMARY KEY, bytes TEXT NOT NULL, entry TEXT NOT NULL, sum TEXT NOT NULL) STRICT";

/**
 * Opens the SQLite file of a catalog. One that is damaged, or that another edition wrote, is emptied: it holds nothing
 * that the files do not say. better-sqlite3 is native, so it is loaded only here.
 */
export async function openIndex(file: string, edition: string): Promise<IndexFile> {
  const { default: Sqlite } = await import("better-sqlite3");
  const openOnce = (): IndexFile => prepared(new Sqlite(file), edition);
  try {
    return openOnce();
  } catch (error) {
    if (isOfTheWorld(error)) throw cannotOpen(file, error);
    for (const suffix of ["", "-wal", "-shm"]) await rm(file + suffix, { force: true });
    return openOnce();
  }
}

/** SQLite does not notice a changed byte inside a text. */
function sumOf({ path, bytes, entry }: Row): string {
  return digestOf(`${path}\0${bytes}\0${entry}`);
}

function prepared(database: Database, edition: string): IndexFile {
  try {
    database.pragma("journal_mode = WAL");
    const check = database.pragma("quick_check(1)", { simple: true });
    if (check !== "ok") throw new Error(`the index is damaged: ${check}`);
    renew(database, edition);
    return statements(database);
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Empties an index of another edition. */
function renew(database: Database, edition: string): void {
  const stamp = Number.parseInt(digestOf(`${edition}\n${TABLE}`).slice(-7), 16);
  const empty = database.transaction(() => {
    if (database.pragma("user_version", { simple: true }) === stamp) return;
    database.exec(`DROP TABLE IF EXISTS file; ${TABLE}`);
    database.pragma(`user_version = ${stamp}`);
  });
  empty.immediate();
}

function statements(database: Database): IndexFile {
  const select = database.prepare<[], Row & { readonly sum: string }>("SELECT path, bytes, entry, sum FROM file");
  const clear = database.prepare("DELETE FROM file");
  const insert = database.prepare<[string, string, string, string]>("INSERT INTO file VALUES (?, ?, ?, ?)");
  const rows = (): Row[] => {
    const whole = select.all().filter(({ sum, ...row }) => sum === sumOf(row));
    return [...new Map(whole.map(({ path, bytes, entry }) => [path, { path, bytes, entry }])).values()];
  };
  // Everything is written anew: damage that SQLite did not notice does not live on.
  const write = database.transaction((isOld: (row: Row) => boolean, now: readonly Row[]) => {
    const kept = rows().filter((row) => !isOld(row));
    clear.run();
    for (const row of [...kept, ...now]) insert.run(row.path, row.bytes, row.entry, sumOf(row));
  });
  return { rows, replace: (isOld, now) => write.immediate(isOld, now), close: () => database.close() };
}

/** A locked file, a full disk and the like: making the file anew would not help. Everything else is damage. */
function isOfTheWorld(error: unknown): boolean {
  const { code } = error as { readonly code?: unknown };
  return /^(SQLITE_(AUTH|BUSY|CANTOPEN|FULL|IOERR|LOCKED|NOMEM|PERM|READONLY)|E[A-Z]+$|ERR_)/.test(String(code));
}

function cannotOpen(file: string, cause: unknown): WorldError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  const hint = "delete it if it is not needed; it is made anew from the blueprint files";
  return new WorldError({ code: "catalog", message: `cannot open the catalog \`${file}\`: ${reason}`, hint, cause });
}
