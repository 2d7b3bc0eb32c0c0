import type { ExitCode } from "../model/errors.ts";
import { EXIT } from "../model/errors.ts";
import { checkpointPublicKey, type Verified, verifyJournal } from "../runtime.ts";
import type { Call } from "./command.ts";
import { environment } from "./environment.ts";
import { jsonLine, visible } from "./visible.ts";

interface VerifyOptions {
  readonly checkpoint?: readonly string[];
  readonly key?: readonly string[];
}

export async function verify({ args, options, json, out }: Call<VerifyOptions>): Promise<ExitCode> {
  const [target = ""] = args;
  const request = { target, checkpoints: options.checkpoint ?? [], keys: options.key ?? [] };
  const verified = await verifyJournal(request, environment());
  out.data(json ? jsonLine(verified) : visible(textOf(verified)));
  return verified.exit;
}

export async function key({ json, out }: Call<object>): Promise<ExitCode> {
  const { text } = await checkpointPublicKey(environment());
  out.data(json ? jsonLine({ key: text }) : text);
  return EXIT.ok;
}

function textOf({ state, message, anchor, unanchored, findings, notes }: Verified): string {
  if (state === "damaged") return `damaged: ${message}`;
  const lines = [`${state}: ${message}`];
  if (anchor !== null) lines.push(`anchored at entry ${anchor.count} by key ${anchor.key} (${anchor.file})`);
  if (anchor === null) lines.push("tail not anchored: no checkpoint vouches for it");
  else if (unanchored > 0) lines.push(`tail not anchored: ${unanchored} entries lie behind the last checkpoint`);
  lines.push(...findings.map((finding) => `contradicted: ${finding}`), ...notes.map((note) => `note: ${note}`));
  return lines.join("\n");
}
