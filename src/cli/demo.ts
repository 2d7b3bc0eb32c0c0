import { cpSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { EXIT, type ExitCode } from "../model/errors.ts";
import { type RunSummary, runBlueprint } from "../runtime.ts";
import { environment } from "./environment.ts";
import { output, painter } from "./output.ts";
import { report } from "./report.ts";
import { summaryText } from "./summary.ts";
import { visible } from "./visible.ts";
import { watched } from "./watched.ts";

const BLUEPRINT = "blueprints/reviewer/blueprint.yaml";

/** `npm start`: the shipped reviewer on a fresh copy of its sample project, then what to try next. */
export async function main(): Promise<ExitCode> {
  const out = output();
  try {
    const env = environment();
    const root = dirname(dirname(import.meta.dirname));
    // The sample holds a planted credential, which is in clear nowhere in Pinion's own folders.
    const folder = mkdtempSync(join(tmpdir(), "pinion-demo-"));
    const workspace = join(folder, "project");
    const record = join(folder, "recording.jsonl");
    cpSync(join(root, dirname(BLUEPRINT), "sample"), workspace, { recursive: true });
    const options = { file: join(root, BLUEPRINT), goal: "review the changes", workspace, record };
    out.talk(visible(`The reviewer looks at a copy of its sample project in ${workspace}`));
    const summary = await watched(out, (watching) => runBlueprint({ ...options, ...watching }, env));
    out.data(`\n${summaryText(summary, painter(process.stdout))}\n\n${next(summary, workspace)}`);
    return summary.state === "completed" ? EXIT.ok : summary.exit;
  } catch (error) {
    return report(error, { json: false, out });
  }
}

function quoted(path: string | null): string {
  const text = path ?? "";
  return /^[\w./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

function next({ recording, run, changes }: RunSummary, workspace: string): string {
  const again = `--goal "review the changes" --workspace ${quoted(workspace)}`;
  const review = changes === 0 ? "The review was not written" : "The review is a proposal: the project is as it was";
  return visible(`${review}

Try next:
  npx pinion run diff ${run}
      what the reviewer would change
  npx pinion run commit ${run}
      accepts it: REVIEW.md comes into ${quoted(workspace)}; \`discard\` forgets it
  npx harness replay ${quoted(recording)}
      runs it again, hooks and all: identical, without model or project
  npx harness show ${quoted(recording)} --all
      every verdict, with its reason
  npx blueprint run ${BLUEPRINT} ${again} --model anthropic:<id>
      the same with a model of your choice (ANTHROPIC_API_KEY must be set)`);
}

if (import.meta.main) process.exitCode = await main();
