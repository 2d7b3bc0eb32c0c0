/** Exit codes of every command (design, §5). */
export const EXIT = {
  ok: 0,
  error: 1,
  usage: 2,
  diverged: 3,
  blocked: 4,
  integrity: 5,
  approval: 6,
  interrupted: 130,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export interface ErrorParts {
  /** Stable, kebab-case, for machines. */
  readonly code: string;
  /** What was wrong, where, what was expected and found, and what to do next. Lower-case start, no full stop. */
  readonly message: string;
  readonly hint?: string | undefined;
  readonly cause?: unknown;
}

/** The family of errors, told apart by what the caller must do. */
export abstract class PinionError extends Error {
  abstract readonly exit: ExitCode;
  readonly code: string;
  readonly hint: string | undefined;
  constructor(parts: ErrorParts) {
    super(parts.message, parts.cause === undefined ? undefined : { cause: parts.cause });
    this.name = new.target.name;
    this.code = parts.code;
    this.hint = parts.hint;
  }
}

/** Fix the input: a file, an argument, an environment variable. */
export class InputError extends PinionError {
  readonly exit = EXIT.usage;
}

/** Bytes are not what was pinned, signed or chained. Do not use them. */
export class IntegrityError extends PinionError {
  readonly exit = EXIT.integrity;
}

/** Something was blocked or denied. Ask a human, or change what is asked for. */
export class DeniedError extends PinionError {
  readonly exit = EXIT.blocked;
}

/** The world did not play along: a provider, a disk, a process. Look at it and try again. */
export class WorldError extends PinionError {
  readonly exit = EXIT.error;
}

/** The world failed in the middle of an effect, and whether it has happened is not known. The run stops there, as when it is killed. */
export class UnfinishedError extends WorldError {}

/** Replay computed something else than what was recorded. */
export class DivergenceError extends PinionError {
  readonly exit = EXIT.diverged;
}

/** A person asked to stop. */
export class InterruptedError extends PinionError {
  readonly exit = EXIT.interrupted;
}

/** Pinion itself is wrong. Report it. */
export class BugError extends PinionError {
  readonly exit = EXIT.error;
}
