import { existsSync, readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { canonicalJson, type Environment, EXIT, type ExitCode, InputError } from "../../src/index.ts";
import { locateRecording } from "../locate.ts";
import { type CheckResult, Findings } from "./check.ts";
import { same } from "./read.ts";
import { type Examined, examine, type RecordingVerdict, type VerifyOptions, verdictOf } from "./verify.ts";

/** The shape of `harness verify --json`. */
export interface VerifyResult {
  /** Those that were named, each followed by the recordings of child runs that stand beside it. */
  readonly recordings: readonly RecordingVerdict[];
  /** 0 when nothing speaks against any of them, 5 otherwise. */
  readonly exit: ExitCode;
}

/** Verifies recordings, runs by their folder or id, and the recordings of their children that stand beside them. */
export async function verifyRecordings(
  files: readonly string[],
  options: VerifyOptions,
  env: Environment,
): Promise<VerifyResult> {
  const recordings: RecordingVerdict[] = [];
  const named = new Set(files.map((file) => locateRecording(file, env)));
  const beside = new Set([...named].flatMap(besides));
  for (const file of named) {
    // Told with its parent.
    if (beside.has(file)) continue;
    const examined = await examine(file, options, env);
    // A key opens one run; those of the children are found beside them.
    const { key: _, ...forChildren } = options;
    const children: Examined[] = [];
    for (const child of besides(examined.file)) children.push(await examineChild(child, forChildren, env));
    const family = [examined, ...children];
    for (const one of family) recordings.push(verdictOf(one, checkChildren(one, family)));
  }
  const failed = recordings.some(({ exit }) => exit !== EXIT.ok);
  return { recordings, exit: failed ? EXIT.integrity : EXIT.ok };
}

/** Checkpoints that were given may be of the parent alone. */
async function examineChild(file: string, options: VerifyOptions, env: Environment): Promise<Examined> {
  try {
    return await examine(file, options, env);
  } catch (error) {
    if (!(error instanceof InputError && error.code === "no-checkpoint")) throw error;
    return examine(file, { ...options, checkpoints: [] }, env);
  }
}

/** `out.child-1.jsonl`, … beside `out.jsonl`, in their order. */
function besides(file: string): string[] {
  if (!file.endsWith(".jsonl") || !existsSync(file)) return [];
  const stem = `${basename(file, ".jsonl")}.child-`;
  const numbered = readdirSync(dirname(file)).flatMap((name): { name: string; number: number }[] => {
    const number = name.startsWith(stem) ? /^([1-9]\d{0,5})\.jsonl$/.exec(name.slice(stem.length))?.[1] : undefined;
    return number === undefined ? [] : [{ name, number: Number(number) }];
  });
  return numbered.toSorted((a, b) => a.number - b.number).map(({ name }) => join(dirname(file), name));
}

/** Whether the children were given what their parents' blueprints and boundaries say, and no more. */
function checkChildren(parent: Examined, family: readonly Examined[]): CheckResult {
  const found = new Findings("children");
  const { header, evidence, verified } = parent;
  if (header === undefined) return found.result("", "the recording is damaged: nothing in it can be believed");
  const own = family.filter((one) => one.header?.parent === verified.run);
  for (const { header: child, verified: seen } of own) {
    const made = evidence?.made;
    if (child === undefined) continue;
    if (child.depth !== Number(header.depth) + 1)
      found.fail(`run \`${seen.run}\` does not stand one level below this run`);
    if (!same(child.chosen, header.chosen)) found.fail(`run \`${seen.run}\` was given another model than its parent`);
    if (made === undefined) {
      found.note(`what run \`${seen.run}\` inherits was not compared: ${evidence?.why}`);
      continue;
    }
    if (![...made.children].some((digest) => digest === child.blueprint)) {
      found.fail(`run \`${seen.run}\` has a blueprint that this one does not pin`);
    }
    if (!parent.held.has(canonicalJson(child.inherited ?? null))) {
      found.fail(`run \`${seen.run}\` does not have the layers of permission that this run hands down`);
    }
  }
  if (parent === family[0]) {
    for (const { header: child, verified: seen, file } of family.slice(1)) {
      if (child === undefined) found.fail(`\`${file}\` is damaged`);
      else if (!family.some((one) => one.verified.run === child.parent)) {
        found.fail(`\`${file}\` is of run \`${seen.run}\`, which is no child of this one`);
      }
    }
  }
  return found.result(own.length === 0 ? "no recordings of child runs beside it" : `${own.length} child runs`);
}
