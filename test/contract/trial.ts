import type { Directory } from "../../src/vfs/directory.ts";

/** A directory to try, over files that are there before it is opened. */
export interface Trial {
  /** With `write` and `read` in its actions, and limits of 1,000 bytes and 20 entries. */
  readonly root: Directory;
  /** The same files with other actions. */
  open(actions: readonly ("read" | "write")[]): Directory;
  close(): void;
}

/** What is there when a trial starts, by path. Parents are implied. */
export type Given =
  | { readonly kind: "file"; readonly text: string; readonly executable?: boolean; readonly otherNames?: number }
  | { readonly kind: "link"; readonly target: string }
  | { readonly kind: "directory" }
  | { readonly kind: "fifo" };

export interface Kind {
  readonly name: string;
  start(given: Readonly<Record<string, Given>>): Promise<Trial>;
  /** Titles of what this kind is not asked to do, with the reason. */
  readonly skips?: Readonly<Record<string, string>>;
}

/** Defines a test over what is given. */
export type Case = (
  title: string,
  files: Readonly<Record<string, Given>>,
  body: (trial: Trial) => Promise<void>,
) => void;

export const RANGE = { offset: 0, length: 1000 };
export const bytes = (text: string) => Buffer.from(text);
export const file = (text: string): Given => ({ kind: "file", text });
export const textOf = (directory: Directory, path: string) => Buffer.from(directory.read(path, RANGE)).toString();
export const namesIn = (directory: Directory, path = ".") => directory.list(path).entries.map(({ name }) => name);

export async function codeOf(action: () => unknown): Promise<unknown> {
  try {
    await action();
    return "done";
  } catch (error) {
    return (error as { readonly code?: unknown }).code;
  }
}
