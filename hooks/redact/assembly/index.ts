/**
 * The exports of world `hook` (`wit/hook.wit`), lifted by hand as the canonical ABI of the component model lays them out:
 * strings are UTF-16, results are read from memory at the returned address.
 */
import { cabi_realloc, release } from "./arena";
import { lookForMails } from "./detect";
import { firstPlaceholder, found } from "./findings";
import { emitEvent } from "./host";
import * as kinds from "./kinds";
import { beginText, copy, textStart, textUnits, write, writeNumber, writeRedacted } from "./output";
import { echoes, findEchoes } from "./recall";
import { member, scan, valueEnd } from "./scan";
import { countKinds, countOf } from "./spans";
import { at, UNIT, units } from "./text";

export { cabi_realloc };

const PRE_TOOL: u32 = 3;
const AUDIT: u32 = 7;

const ALLOW: u8 = 0;
const BLOCK: u8 = 1;
const TRANSFORM: u8 = 2;

/** Room for a result: `result<_, string>` takes 12 bytes, `result<verdict, string>` 28. */
const RESULT: usize = memory.data(32, 8);
const HOSTCALL: usize = memory.data(16, 8);

/** `configure: func(config: string) -> result<_, string>` */
export function configure(config: usize, size: u32): usize {
  memory.fill(RESULT, 0, 32);
  const emails = says(config, size, '{"emails":true}');
  lookForMails(emails);
  if (!emails && !says(config, size, '{"emails":false}') && !says(config, size, "{}")) {
    fail('the configuration is neither `{}` nor `{"emails": true}` nor `{"emails": false}`');
  }
  release();
  return RESULT;
}

/** `handle: func(phase: phase, payload: string) -> result<verdict, string>` */
export function handle(phase: u32, payload: usize, size: u32): usize {
  memory.fill(RESULT, 0, 32);
  const end = payload + ((<usize>size) << 1);
  if (phase === PRE_TOOL) judgeCall(payload);
  else redact(payload, end, phase !== AUDIT);
  release();
  return RESULT;
}

/** Replaces secrets by placeholders and, unless this is about an audit, tells how many of which kind. */
function redact(payload: usize, end: usize, tells: bool): void {
  scan(payload, end, true);
  findEchoes(payload, end, found);
  if (countKinds(found, echoes) === 0) {
    beginText(64);
    write("nothing to redact");
    answer(ALLOW);
    return;
  }
  if (tells && !tellCounts()) return;
  writeRedacted(payload, end, found, echoes);
  const text = textStart();
  const size = textUnits();
  beginText(4096);
  write("redacted ");
  writeCounts();
  answer(TRANSFORM);
  store<u8>(RESULT, 1, 16);
  store<usize>(RESULT, text, 20);
  store<u32>(RESULT, size, 24);
}

/** A call is never changed: what it does with a placeholder or a secret would be wrong or a leak. */
function judgeCall(payload: usize): void {
  const call = member(payload, '"call"');
  const object: usize = call === 0 ? 0 : member(call, '"arguments"');
  if (object === 0) {
    fail("the payload of `pre-tool` has no `call.arguments`");
    return;
  }
  const end = valueEnd(object);
  scan(object, end, false);
  findEchoes(object, end, found);
  beginText(4096);
  if (countKinds(found, echoes) > 0) {
    const isFirst = echoes.count === 0 || (found.count > 0 && found.at(0).start < echoes.at(0).start);
    writeArgument(object, isFirst ? found.at(0).start : echoes.at(0).start);
    write(" holds a secret (");
    writeCounts();
    write("): say where the secret is kept instead, such as the name of an environment variable");
    answer(BLOCK);
  } else if (firstPlaceholder !== 0) {
    writeArgument(object, firstPlaceholder);
    write(" holds the placeholder of a redacted value, which would take the place of the value itself: ");
    write("leave out the part with the placeholder, or ask a person to make this change");
    answer(BLOCK);
  } else {
    write("the arguments hold no secret and no placeholder");
    answer(ALLOW);
  }
}

/** Names the argument around a position, unless the name itself is the place or is long. */
function writeArgument(object: usize, place: usize): void {
  let p = object + UNIT;
  while (true) {
    const colon = valueEnd(p);
    const end = valueEnd(colon + UNIT);
    if (place < end) {
      if (place > colon && units(p, colon) <= 64) {
        write("argument `");
        copy(p + UNIT, colon - UNIT);
        write("`");
      } else {
        write("an argument");
      }
      return;
    }
    p = end + UNIT;
  }
}

function writeCounts(): void {
  let isFirst = true;
  for (let kind: u32 = 0; kind < kinds.KINDS; kind += 1) {
    if (countOf(kind) === 0) continue;
    if (!isFirst) write(", ");
    isFirst = false;
    writeNumber(countOf(kind));
    write(" ");
    write(kinds.nameOf(kind));
  }
}

/** Emits one event for each kind that was redacted; false when the host refuses one, which is then the answer. */
function tellCounts(): bool {
  const event = "redaction";
  for (let kind: u32 = 0; kind < kinds.KINDS; kind += 1) {
    if (countOf(kind) === 0) continue;
    beginText(128);
    write('{"count":');
    writeNumber(countOf(kind));
    write(',"type":"');
    write(kinds.nameOf(kind));
    write('"}');
    emitEvent(changetype<usize>(event), event.length, textStart(), textUnits(), HOSTCALL);
    if (load<u8>(HOSTCALL) === 0) continue;
    store<u8>(RESULT, 1);
    store<u64>(RESULT, load<u64>(HOSTCALL, 4), 4);
    return false;
  }
  return true;
}

/** Answers with a verdict whose rationale is the text that was just written. */
function answer(decision: u8): void {
  store<u8>(RESULT, decision, 4);
  store<usize>(RESULT, textStart(), 8);
  store<u32>(RESULT, textUnits(), 12);
}

/** Answers with an error. */
function fail(message: string): void {
  store<u8>(RESULT, 1);
  store<usize>(RESULT, changetype<usize>(message), 4);
  store<u32>(RESULT, message.length, 8);
}

/** Whether a JSON text without its white space is `literal`, whose strings have none. */
function says(text: usize, size: u32, literal: string): bool {
  let i = 0;
  for (let p = text; p < text + ((<usize>size) << 1); p += UNIT) {
    const c = at(p);
    if (c === 0x20 || c === 0x09 || c === 0x0a || c === 0x0d) continue;
    if (i === literal.length || c !== <u32>literal.charCodeAt(i)) return false;
    i += 1;
  }
  return i === literal.length;
}
