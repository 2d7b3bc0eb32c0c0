import { ALLOW, watHook } from "./wat.ts";

/** What one guest of a puppet does in place of behaving; every part is the body of a function. */
export interface PuppetPart {
  /** Functions, tables, globals, data. Their names are shared by all guests of a puppet. */
  readonly fields?: string;
  /** Called with nothing, once the configuration was read. */
  readonly configure?: string;
  /** After `configure`: the parameters of the call are the locals 0 to 3. */
  readonly realloc?: string;
  readonly handle?: string;
  readonly post?: string;
}

const IMPORTS = `
  (import "pinion:hook/host@1.0.0" "now" (func $now (result i64)))
  (import "pinion:hook/host@1.0.0" "random" (func $random (param i32 i32)))
  (import "pinion:hook/host@1.0.0" "emit-event" (func $emit (param i32 i32 i32 i32 i32)))
  (import "pinion:hook/host@1.0.0" "read-capsule" (func $read-capsule (param i32 i32 i32)))
  (import "pinion:hook/files@1.0.0" "write" (func $write (param i32 i32 i32 i32 i32 i32 i32)))`;

/** Reads the digits of the configuration: the number of the guest. */
const READ_NUMBER = `(local $byte i32)
  (loop $next
    (if (local.get 1) (then
      (local.set $byte (i32.sub (i32.load8_u (local.get 0)) (i32.const 48)))
      (if (i32.lt_u (local.get $byte) (i32.const 10)) (then
        (global.set $guest (i32.add (i32.mul (global.get $guest) (i32.const 10)) (local.get $byte)))))
      (local.set 0 (i32.add (local.get 0) (i32.const 1)))
      (local.set 1 (i32.sub (local.get 1) (i32.const 1)))
      (br $next))))`;

/**
 * Many hostile guests in one core module, since making code of a component takes longer than running it: guest `n` is the
 * one whose configuration holds the number `n`, from 1. In reach of all: `$now`, `$random`, `$emit`, `$read-capsule`,
 * `$write`, a memory of two pages.
 */
export function watPuppet(parts: readonly PuppetPart[]): string {
  const functions: string[] = [];
  const choices = { configure: "", realloc: "", handle: "", post: "" };
  const add = (part: keyof typeof choices, guest: number, signature: string, body: string, call: string) => {
    functions.push(`(func $${part}${guest} ${signature} ${body})`);
    choices[part] +=
      `(if (i32.eq (global.get $guest) (i32.const ${guest})) (then ${call.replace("$", `$${part}${guest}`)}))`;
  };
  parts.forEach(({ fields, configure, realloc, handle, post }, index) => {
    const guest = index + 1;
    functions.push(fields ?? "");
    if (configure) add("configure", guest, "", configure, "(call $)");
    if (handle) add("handle", guest, "(result i32)", handle, "(return (call $))");
    if (post) add("post", guest, "", post, "(call $)");
    if (realloc) {
      const values = "(local.get 0) (local.get 1) (local.get 2) (local.get 3)";
      add("realloc", guest, "(param i32 i32 i32 i32) (result i32)", realloc, `(return (call $ ${values}))`);
    }
  });
  return watHook({
    imports: IMPORTS,
    fields: `(global $guest (mut i32) (i32.const 0)) ${functions.join("\n")}`,
    configure: `${READ_NUMBER} ${choices.configure} (i32.const 1000)`,
    realloc: `${choices.realloc} (i32.const 65536)`,
    handle: `${choices.handle} (i32.const ${ALLOW})`,
    post: choices.post,
  });
}
