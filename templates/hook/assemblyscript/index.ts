/**
 * The exports of world `hook` (`wit/hook.wit`), lifted by hand as the canonical ABI of the component model lays them out: strings
 * are UTF-16, results are read from memory at the returned address. Write your hook in `hook.ts`; this can stay as it is.
 */
import * as hook from "./hook";
import { Decision, Phase, taken } from "./pinion";

/** Room for a result: `result<_, string>` takes 12 bytes, `result<verdict, string>` 28. */
const RESULT: usize = memory.data(32, 8);

/** What was answered last is read after the call has returned, so it is kept until the next. */
let rationale: string = "";
let payload: string = "";

/** The host writes arguments and what hostcalls answer with it; `taken` frees them. */
export function cabi_realloc(old: usize, _oldSize: usize, _align: usize, size: usize): usize {
  return old == 0 ? heap.alloc(size) : heap.realloc(old, size);
}

/** `configure: func(config: string) -> result<_, string>` */
export function configure(config: usize, units: u32): usize {
  memory.fill(RESULT, 0, 32);
  rationale = hook.configure(taken(config, units));
  if (rationale != "") answerText(4, rationale, 1);
  return RESULT;
}

/** `handle: func(phase: phase, payload: string) -> result<verdict, string>` */
export function handle(phase: u32, text: usize, units: u32): usize {
  memory.fill(RESULT, 0, 32);
  const verdict = hook.handle(<Phase>phase, taken(text, units));
  rationale = verdict.rationale;
  payload = verdict.payload;
  if (verdict.decision == Decision.Fail) {
    answerText(4, rationale, 1);
    return RESULT;
  }
  store<u8>(RESULT, <u8>verdict.decision, 4);
  answerText(8, rationale, 0);
  if (verdict.decision == Decision.Transform) {
    store<u8>(RESULT, 1, 16);
    store<usize>(RESULT + 20, changetype<usize>(payload));
    store<u32>(RESULT + 24, payload.length);
  }
  return RESULT;
}

function answerText(offset: usize, text: string, isError: u8): void {
  store<u8>(RESULT, isError);
  store<usize>(RESULT + offset, changetype<usize>(text));
  store<u32>(RESULT + offset + 4, text.length);
}
