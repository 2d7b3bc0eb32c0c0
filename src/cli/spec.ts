import type { ExitCode } from "../model/errors.ts";
import type { Output } from "./output.ts";

/** A command line, said once: it is parsed, checked and explained from the same words. */
export type Spec = Group | Command;

/** A noun: it only leads to commands. */
export interface Group {
  readonly name: string;
  readonly summary: string;
  readonly commands: readonly Spec[];
}

export interface Command {
  readonly name: string;
  readonly summary: string;
  readonly arguments?: readonly Argument[];
  readonly options?: readonly Option[];
  /** What `--json` prints, for `--help`. */
  readonly json: string;
  /**
   * Gives what does the work; loaded only when it is asked for, so that `--help` costs little more than Node itself.
   * INVARIANT: the handler's `options` are those that `options` here describes.
   */
  load(): Promise<Handler<never>>;
}

export interface Argument {
  readonly name: string;
  readonly summary: string;
  /** Any number of them, none included. Only for the last one. */
  readonly many?: true;
}

/** `name` is kebab-case on the command line and camelCase in `Call.options`. */
export interface Option {
  readonly name: string;
  readonly summary: string;
  /** What stands after it, e.g. `text`; a switch has none. */
  readonly value?: string;
  readonly required?: true;
  /** May be given more than once. */
  readonly many?: true;
}

/** What every handler gets. */
export interface Call<Options> {
  readonly args: readonly string[];
  readonly options: Options;
  readonly json: boolean;
  readonly out: Output;
}
export type Handler<Options> = (call: Call<Options>) => ExitCode | Promise<ExitCode>;

export const COMMON: readonly Option[] = [
  { name: "json", summary: "print one JSON object on stdout" },
  { name: "help", summary: "what this does and takes" },
];

/** An option as it is written: `--goal <text>`. */
export function written({ name, value }: Option): string {
  return value === undefined ? `--${name}` : `--${name} <${value}>`;
}
