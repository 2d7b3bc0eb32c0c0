import { InputError, IntegrityError } from "../model/errors.ts";

/** One thing that is wrong in a file that a person wrote. */
export interface Fault {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 units. */
  readonly column: number;
  /** RFC 6901; the whole document is the empty string. */
  readonly pointer: string;
  /** Begins with the dotted path when there is one: `spec.limits.steps: expected an integer ≥ 1, found "many"`. */
  readonly message: string;
  readonly expected?: string;
}

/** What is wrong at a place that is still to be looked up. */
export interface Finding {
  readonly pointer: string;
  readonly message: string;
  readonly expected?: string | undefined;
  /** It is the name of the field that is wrong, not its value. */
  readonly atKey?: true;
  /** Where in the text, when it is not where the value at `pointer` stands. */
  readonly offset?: number;
}

/** More faults than these help nobody. */
export const MAX_FAULTS = 100;

/** A file does not say what it should. Carries every fault that was found, in the order of the file. */
export class InvalidFileError extends InputError {
  readonly faults: readonly Fault[];
  constructor(faults: readonly Fault[]) {
    super({ code: "invalid-file", message: faultLines(faults), hint: "correct the file and run the command again" });
    this.faults = faults;
  }
}

/** Bytes are not the ones that a pin names. Carries every pin that does not hold. */
export class PinMismatchError extends IntegrityError {
  readonly faults: readonly Fault[];
  constructor(faults: readonly Fault[]) {
    super({
      code: "pin-mismatch",
      message: faultLines(faults),
      hint: "restore the pinned files, or, if the change is meant, write the new digest into the pin",
    });
    this.faults = faults;
  }
}

/** One line a fault: `file:line:column message`. */
export function faultLines(faults: readonly Fault[]): string {
  return faults.map(({ file, line, column, message }) => `${file}:${line}:${column} ${message}`).join("\n");
}

/** Appends one token to an RFC 6901 pointer. */
export function below(pointer: string, token: string | number): string {
  return `${pointer}/${String(token).replaceAll("~", "~0").replaceAll("/", "~1")}`;
}

/** `/spec/tools/allow/0` → `spec.tools.allow[0]`; names that are not plain words are quoted. */
export function dotted(pointer: string): string {
  let path = "";
  for (const raw of pointer.split("/").slice(1)) {
    const token = raw.replaceAll("~1", "/").replaceAll("~0", "~");
    if (/^\d+$/.test(token)) path += `[${token}]`;
    else if (/^[A-Za-z_][\w-]*$/.test(token)) path += path === "" ? token : `.${token}`;
    else path += `[${JSON.stringify(token)}]`;
  }
  return path;
}
