import type { CommanderError } from "commander";
import { EXIT, type ExitCode, InputError, PinionError } from "../model/errors.ts";
import type { Output } from "./output.ts";
import { jsonLine, visible } from "./visible.ts";

/**
 * The one place where errors are printed: `error: message` and the hint on stderr, or with `--json`
 * `{ "error": { "code", "message", "hint" } }` on stdout. Returns the exit code. What is no PinionError is a bug, and says so.
 */
export function report(error: unknown, { json, out }: { readonly json: boolean; readonly out: Output }): ExitCode {
  const known = error instanceof PinionError;
  const code = known ? error.code : "bug";
  const message = known ? error.message : `Pinion failed in a way that it should not: ${describe(error)}`;
  const hint = known ? error.hint : "please report this with the command that you ran";
  if (json) {
    out.data(jsonLine({ error: { code, message, ...(hint === undefined ? {} : { hint }) } }));
  } else {
    out.talk(`error: ${visible(message)}`);
    if (hint !== undefined) out.talk(`  ${visible(hint)}`);
  }
  return known ? error.exit : EXIT.error;
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const place = error.stack?.split("\n").find((line) => line.trimStart().startsWith("at "));
  return `${error.name}: ${error.message}${place === undefined ? "" : ` (${place.trim()})`}`;
}

/** A command line that commander did not understand, in the words of this house. `path` is the command, e.g. `pinion run`. */
export function usageError(error: CommanderError, path: string): InputError {
  const message =
    error.code === "commander.help"
      ? "expected a command"
      : error.message
          .replace(/^error: /, "")
          // What should not have been an argument, such as a secret, is not repeated.
          .replace(/( but got \d+): .*$/s, "$1")
          .replace(/'([^']*)'/g, "`$1`");
  return new InputError({ code: "usage", message, hint: `see \`${path} --help\`` });
}
