import { parse } from "@bytecodealliance/jco-transpile/wasm-tools";
import { ALLOW, verdict } from "./wat.ts";

/** A hook written out as a component, for what no toolchain makes. */
export interface ComponentHook {
  /** Definitions in front of the core module `$m`, and what that is instantiated with. */
  readonly before?: string;
  readonly with?: string;
  /** Fields of `$m`: its imports, its memory. */
  readonly imports?: string;
  readonly memory?: string;
  /** The body of its `handle`, and the name under which it exports that. */
  readonly handle?: string;
  readonly exported?: string;
  /** Further options of the lifted `handle`. */
  readonly options?: string;
}

const TYPES = `
  (import "pinion:hook/types@1.0.0" (instance $types
    (type $phases (enum "pre-plan" "pre-send" "post-receive" "pre-tool" "post-tool" "state-transition" "spawn" "audit"))
    (export "phase" (type (eq $phases)))
    (type $decisions (enum "allow" "block" "transform"))
    (export "decision" (type $decision (eq $decisions)))
    (type $payload (option string))
    (type $answer (record (field "decision" $decision) (field "rationale" string) (field "payload" $payload)))
    (export "verdict" (type (eq $answer)))))
  (alias export $types "phase" (type $phases))
  (import "phase" (type $phase (eq $phases)))
  (alias export $types "verdict" (type $verdicts))
  (import "verdict" (type $verdict (eq $verdicts)))
  (type $done (result (error string)))
  (type $judged (result $verdict (error string)))
  (type $configure-type (func (param "config" string) (result $done)))
  (type $handle-type (func (param "phase" $phase) (param "payload" string) (result $judged)))`;

export function componentHook(parts: ComponentHook): Promise<Uint8Array> {
  const exported = parts.exported ?? "handle";
  return parse(`(component ${TYPES} ${parts.before ?? ""}
    (core module $m ${parts.imports ?? ""} ${parts.memory ?? '(memory (export "memory") 2)'}
      (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 65536))
      (func (export "configure") (param i32 i32) (result i32) (i32.const 1000))
      (func (export "${exported}") (param i32 i32 i32) (result i32) ${parts.handle ?? `(i32.const ${ALLOW})`})
      ${verdict(ALLOW, { decision: 0, address: 1100, length: 4 })}
      (data (i32.const 1100) "fine"))
    (core instance $i (instantiate $m ${parts.with ?? ""}))
    (alias core export $i "memory" (core memory $memory))
    (alias core export $i "cabi_realloc" (core func $realloc))
    (alias core export $i "configure" (core func $configure-core))
    (alias core export $i "${exported}" (core func $handle-core))
    (func $configure (type $configure-type) (canon lift (core func $configure-core) (memory $memory) (realloc $realloc)))
    (func $handle (type $handle-type)
      (canon lift (core func $handle-core) (memory $memory) (realloc $realloc) ${parts.options ?? ""}))
    (export "configure" (func $configure))
    (export "handle" (func $handle)))`);
}

/** Repeats a call, and allows. */
export function repeated(times: number, call: string): string {
  return `(local $n i32) (local.set $n (i32.const ${times}))
    (loop ${call} (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1))))) (i32.const ${ALLOW})`;
}
