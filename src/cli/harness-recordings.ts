import { type ReplayResult, replayRecording, showRecording } from "../../harness/index.ts";
import type { ExitCode } from "../model/errors.ts";
import type { Call } from "./command.ts";
import { environment } from "./environment.ts";
import { painter } from "./output.ts";
import { plainLine } from "./plain.ts";
import { columns } from "./table.ts";
import { timelineOf } from "./timeline.ts";
import { jsonLine, visible } from "./visible.ts";

interface ReplayOptions {
  readonly key?: string;
  readonly artifacts?: readonly string[];
}

/** `harness replay`: the answer, and on a divergence where it is. */
export async function replay({ args: [file = ""], options, json, out }: Call<ReplayOptions>): Promise<ExitCode> {
  const { key, artifacts } = options;
  const onNotice = (text: string) => out.talk(visible(text));
  const result = await replayRecording(file, { key, artifacts, onNotice }, environment());
  out.data(json ? jsonLine(result) : replayText(result));
  return result.exit;
}

function replayText({ answer, message, divergence }: ReplayResult): string {
  if (divergence === undefined) return `${answer}: ${visible(message)}`;
  const { seq, kind, phase, hook, expected, found } = divergence;
  const where = [`seq ${seq}`, kind, phase && `phase ${phase}`, hook && `hook ${hook}`].filter(Boolean).join(", ");
  return [
    `${answer}: ${visible(message)}`,
    columns([
      ["  at", where],
      ["  expected", expected],
      ["  found", found],
    ]),
  ].join("\n");
}

/** `harness show`: the timeline, as far as the file can be read. */
export function show({ args: [file = ""], options, json, out }: Call<{ all?: true }>): ExitCode {
  const { entries, ...view } = showRecording(file, environment());
  const lines = entries.flatMap(timelineOf).filter((line) => options.all === true || !line.minor);
  if (json) {
    const { exit: _, ...said } = view;
    out.data(jsonLine({ ...said, lines }));
    return view.exit;
  }
  const paint = painter(process.stdout);
  for (const line of lines) out.data(plainLine(line, paint));
  out.data(`\n${view.state}: ${visible(view.message)}`);
  return view.exit;
}
