import { InputError } from "../../model/errors.ts";
import type { Json } from "../../model/json.ts";
import { type Path, parsePath, ScriptSyntaxError } from "./expression.ts";
import type { ModelScript, ScriptAct, ScriptCall, ScriptCondition, ScriptTurn } from "./script.ts";
import { type JsonTemplate, parseJsonTemplate, parseTemplate, type Template } from "./template.ts";

/** Steps in all turns together. */
const MAX_STEPS = 1_000_000;

/** A turn with everything in it read and checked. */
export interface Turn {
  readonly first: number;
  readonly last: number;
  /** The last one has no condition. */
  readonly cases: readonly Act[];
}

export interface Act {
  readonly when: Condition | undefined;
  readonly text: Template;
  readonly calls: readonly Call[];
}

export interface Call {
  readonly id: string | undefined;
  readonly tool: string;
  readonly arguments: JsonTemplate | { readonly kind: "raw"; readonly text: string };
}

export interface Condition {
  readonly result: string;
  readonly at: Path;
  readonly ok: boolean | undefined;
  readonly contains: string | undefined;
  readonly equals: Json | undefined;
}

/**
 * Reads every template, path and reference of a script once. Throws one `InputError` `bad-script` that lists all
 * faults with their JSON pointers: a quotation that cannot be read, a call that no earlier turn makes, an id that is
 * used twice, a turn that does nothing, cases of which none or not all can be reached.
 */
export function compile(script: ModelScript): readonly Turn[] {
  const compiler = new Compiler();
  let next = 1;
  const turns = script.spec.turns.map((turn, i) => {
    const at = `/spec/turns/${i}`;
    const first = next;
    next += turn.repeat ?? 1;
    return { first, last: next - 1, cases: compiler.turn(turn, at) };
  });
  if (next - 1 > MAX_STEPS) compiler.fault("/spec/turns", `${next - 1} steps: expected at most ${MAX_STEPS}`);
  if (compiler.faults.length > 0) {
    throw new InputError({
      code: "bad-script",
      message: `script \`${script.metadata.name}\` cannot be played:\n${compiler.faults.map((line) => `  ${line}`).join("\n")}`,
    });
  }
  return turns;
}

class Compiler {
  readonly faults: string[] = [];
  /** Ids and tools of the turns before this one: what may be quoted. */
  readonly #known = new Set<string>();

  fault(pointer: string, what: string): void {
    this.faults.push(`${pointer}: ${what}`);
  }

  turn(turn: ScriptTurn, at: string): readonly Act[] {
    const cases = turn.cases ?? [turn];
    if (turn.cases !== undefined && (turn.text !== undefined || turn.calls !== undefined)) {
      this.fault(at, "`cases` beside `text` or `calls`: expected one or the other");
    }
    const calls = cases.flatMap((act) => act.calls ?? []);
    const acts = cases.map((act, i) => {
      const where = turn.cases === undefined ? at : `${at}/cases/${i}`;
      const when = "when" in act ? act.when : undefined;
      if (turn.cases !== undefined && (when === undefined) !== (i === cases.length - 1)) {
        this.fault(where, "expected `when` in every case but the last, which is taken when no other is");
      }
      return this.#act(act, when, where);
    });
    for (const { id, tool } of calls) {
      if (id !== undefined) this.#known.add(id);
      this.#known.add(tool);
    }
    return acts;
  }

  #act(act: ScriptAct, when: ScriptCondition | undefined, at: string): Act {
    const calls = act.calls ?? [];
    if ((act.text ?? "") === "" && calls.length === 0) this.fault(at, "expected `text`, `calls` or both");
    const ids = calls.flatMap(({ id }) => id ?? []);
    for (const [i, id] of ids.entries()) {
      if (this.#known.has(id) || ids.indexOf(id) !== i) this.fault(`${at}/calls`, `the id \`${id}\` is used twice`);
    }
    return {
      when: when === undefined ? undefined : this.#condition(when, `${at}/when`),
      text: this.#template(act.text ?? "", `${at}/text`),
      calls: calls.map((call, i) => this.#call(call, `${at}/calls/${i}`)),
    };
  }

  #call({ id, tool, arguments: value, raw }: ScriptCall, at: string): Call {
    if (raw !== undefined) {
      if (value !== undefined) this.fault(at, "`raw` beside `arguments`: expected one or the other");
      return { id, tool, arguments: { kind: "raw", text: raw } };
    }
    const visit = (text: string, pointer: string) => this.#template(text, pointer);
    return { id, tool, arguments: parseJsonTemplate(value ?? {}, visit, `${at}/arguments`) };
  }

  #condition({ result, at: path, ok, contains, equals }: ScriptCondition, at: string): Condition {
    this.#mustBeKnown(result, `${at}/result`);
    if (ok === undefined && contains === undefined && equals === undefined) {
      this.fault(at, "expected `ok`, `contains` or `equals`");
    }
    return { result, ok, contains, equals, at: this.#reading(`${at}/at`, () => parsePath(path ?? "")) ?? [] };
  }

  #template(text: string, at: string): Template {
    const template = this.#reading(at, () => parseTemplate(text)) ?? [];
    for (const piece of template) {
      if (typeof piece === "object" && piece.source.kind === "result") this.#mustBeKnown(piece.source.name, at);
    }
    return template;
  }

  #mustBeKnown(name: string, at: string): void {
    if (!this.#known.has(name))
      this.fault(at, `no earlier turn calls \`${name}\`: expected the id of a call or a tool`);
  }

  #reading<T>(at: string, read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof ScriptSyntaxError)) throw error;
      this.fault(at, error.message);
      return undefined;
    }
  }
}
