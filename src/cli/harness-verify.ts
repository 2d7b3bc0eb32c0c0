import { type CheckResult, type RecordingVerdict, verifyRecordings } from "../../harness/index.ts";
import type { ExitCode } from "../model/errors.ts";
import type { Call } from "./command.ts";
import { environment } from "./environment.ts";
import { painter } from "./output.ts";
import { columns } from "./table.ts";
import type { Tone } from "./timeline/line.ts";
import { jsonLine, visible, visibleLine } from "./visible.ts";

interface VerifyOptions {
  readonly key?: string;
  readonly checkpoint?: readonly string[];
  readonly publicKey?: readonly string[];
  readonly artifacts?: readonly string[];
}

const SAID: Readonly<Record<CheckResult["result"], { readonly word: string; readonly tone: Tone }>> = {
  ok: { word: "ok", tone: "good" },
  failed: { word: "FAILED", tone: "bad" },
  unchecked: { word: "not checked", tone: "warn" },
};

/** `harness verify`: a table of checks for each recording, and under each check what was found. */
export async function verify({ args, options, json, out }: Call<VerifyOptions>): Promise<ExitCode> {
  const { key, checkpoint, publicKey, artifacts } = options;
  const result = await verifyRecordings(
    args,
    { key, artifacts, checkpoints: checkpoint, keys: publicKey },
    environment(),
  );
  if (json) out.data(jsonLine(result));
  else out.data(result.recordings.map(textOf).join("\n\n"));
  return result.exit;
}

function textOf({ file, run, parent, entries, checks }: RecordingVerdict): string {
  const paint = painter(process.stdout);
  const of = run === "" ? "" : `: run ${run}${parent === null ? "" : `, a child of ${parent}`}, ${entries} entries`;
  const rows = columns(checks.map(({ check, result, message }) => [SAID[result].word, check, message])).split("\n");
  const lines = checks.flatMap(({ result, findings, failed, notes }, i) => [
    `  ${paint(rows[i] ?? "", result === "ok" ? "plain" : SAID[result].tone)}`,
    ...findings.map(({ seq, message }) => `      ${seq === undefined ? "" : `seq ${seq} `}${visibleLine(message)}`),
    ...(failed > findings.length ? [`      and ${failed - findings.length} more`] : []),
    ...notes.map((note) => `      note: ${visibleLine(note)}`),
  ]);
  return [`${visible(file)}${of}`, ...lines].join("\n");
}
