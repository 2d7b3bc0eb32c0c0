import { dirname, join } from "node:path";
import { type Answer, type Difference, differences } from "../../authoring/expectation.ts";
import { type Case, readCases } from "../../blueprint/cases.ts";
import { bindHook, checkComponent, loadManifest, readComponent } from "../../blueprint/manifest.ts";
import { EXIT, type ExitCode, InputError, PinionError } from "../../model/errors.ts";
import type { PinnedHook } from "../../model/hook.ts";
import { type Environment, hookHosts } from "../machine.ts";
import { manifestPath, readBytes } from "./locate.ts";
import { loadAndAsk, payloadOf } from "./run.ts";
import { type Answered, Trial } from "./trial.ts";

/** What `hook test --json` prints, without `exit`. */
export interface HookTest {
  readonly hook: string;
  readonly passed: number;
  readonly failed: number;
  readonly cases: readonly CaseResult[];
  readonly exit: ExitCode;
}

export interface CaseResult {
  readonly name: string;
  readonly ok: boolean;
  readonly differences: readonly Difference[];
}

/** 2023-11-14T22:13:20Z: the clock of every case. */
const NOW = 1_700_000_000_000;

/**
 * Asks a hook every case of the `cases.yaml` beside its manifest, each of an instance of its own. Throws `InputError` for files that
 * are wrong, among them a case whose payload no run could have.
 */
export async function testHook(
  { manifest, onNotice }: { readonly manifest: string; readonly onNotice: (text: string) => void },
  env: Environment,
): Promise<HookTest> {
  const file = await loadManifest(manifestPath(env.cwd, manifest));
  const bytes = await readComponent(file);
  checkComponent(file, bytes);
  const path = join(dirname(file.path), "cases.yaml");
  const bound = readCases(readBytes(env.cwd, path), path).map((one, index) => {
    const hook = named(one, () => bindHook(file, { value: one.config }, { tools: [], files: [] }));
    named(one, () => payloadOf({ value: one.payload }, one.phase, hook));
    return { one, hook: { ...hook, name: `${hook.name}/${index}` } };
  });
  const hosts = await hookHosts(env, { spares: 0, onWarning: onNotice });
  try {
    const trial = new Trial({ hosts, bytes, now: () => NOW });
    const cases: CaseResult[] = [];
    for (const { one, hook } of bound) cases.push(await tryCase(trial, one, hook));
    const failed = cases.filter(({ ok }) => !ok).length;
    const exit = failed === 0 ? EXIT.ok : EXIT.diverged;
    return { hook: file.manifest.metadata.name, passed: cases.length - failed, failed, cases, exit };
  } finally {
    await hosts.close();
  }
}

/** What is wrong with a case is said with its name. */
function named<T>(one: Case, check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (!(error instanceof PinionError)) throw error;
    throw new InputError({
      code: error.code,
      message: `case ${JSON.stringify(one.name)}: ${error.message}`,
      cause: error,
    });
  }
}

/** One case in a trial that has not seen this name yet. */
export async function tryCase(trial: Trial, one: Case, hook: PinnedHook): Promise<CaseResult> {
  const { phase, payload, capsules } = one;
  const found = differences(answerOf(await loadAndAsk(trial, hook, { phase, payload, capsules })), one.expect);
  return { name: one.name, ok: found.length === 0, differences: found };
}

function answerOf(answered: Answered): Answer {
  const { decision, rationale, events, capsules, approvals } = answered;
  const said = { events, capsules, approvals };
  if (decision === "failed") return { error: rationale, ...said };
  return { decision, rationale, ...said, ...(answered.payload === undefined ? {} : { payload: answered.payload }) };
}
