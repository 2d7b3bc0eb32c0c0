import { createInterface } from "node:readline/promises";
import { DeniedError, InputError } from "../../model/errors.ts";
import type { Json } from "../../model/json.ts";
import { type Environment, expandPattern } from "../../runtime.ts";
import type { Output } from "../output.ts";
import { visibleLine } from "../visible.ts";
import { wrapped } from "./pieces.ts";

interface Request {
  readonly run: string;
  readonly approval: string;
  readonly pattern: string;
  readonly yes: boolean;
  readonly out: Output;
}

/** Shows what a pattern covers, and goes on only when somebody has said yes to that. Throws `InputError` and `DeniedError`. */
export async function confirmPattern({ yes, out, ...asked }: Request, env: Environment): Promise<Json> {
  const { pattern, covers } = await expandPattern(asked, env);
  out.talk("this pattern covers, for the rest of the run:");
  const lines = covers.map((line) => `  ${visibleLine(line)}`);
  for (const line of wrapped(lines, process.stderr)) out.talk(line);
  if (yes) return pattern;
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new InputError({
      code: "not-confirmed",
      message:
        "a pattern is approved only when somebody has confirmed what it covers, and there is no terminal to ask on",
      hint: "read the lines above; then give the same command with `--yes`",
    });
  }
  const reader = createInterface({ input: process.stdin, output: process.stderr });
  const said = await reader.question("approve all of that? [y/N] ").finally(() => reader.close());
  if (/^y(es)?$/i.test(said.trim())) return pattern;
  throw new DeniedError({
    code: "not-confirmed",
    message: "the pattern was not approved",
    hint: "the run still waits",
  });
}
