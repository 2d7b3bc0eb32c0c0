import { EXIT, type ExitCode } from "../model/errors.ts";
import { newHook } from "../runtime/authoring/new.ts";
import type { Call } from "./command.ts";
import { environment } from "./environment.ts";
import { jsonLine, visible } from "./visible.ts";

interface Options {
  readonly lang: string;
  readonly role: string;
  readonly dir?: string;
}

/** `hook new`: says what was made, and what to do with it. */
export async function create({ args: [name = ""], options, json, out }: Call<Options>): Promise<ExitCode> {
  const made = await newHook({ name, ...options }, environment());
  if (json) out.data(jsonLine(made));
  else {
    out.data(visible(made.files.map((file) => `${made.folder}/${file}`).join("\n")));
    out.talk(visible(`next: \`cd ${made.folder} && hook build && hook test\`; its README.md says more`));
  }
  return EXIT.ok;
}
