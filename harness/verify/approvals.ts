import {
  coversPattern,
  type Digest,
  isJsonObject,
  type Json,
  type JsonObject,
  type PreTool,
  type RecordedEntry,
  signersOfAnswer,
} from "../../src/index.ts";
import { type CheckResult, type EntryCheck, Findings } from "./check.ts";
import { type BoundarySeen, boundaryOf, refOf, same } from "./read.ts";

/** A question to a person, as far as the journal has told of it. */
interface Question {
  readonly phase: Json | undefined;
  readonly action: Json | undefined;
  readonly demands: readonly JsonObject[];
  readonly scopes: readonly Json[];
  /** ms since the epoch. */
  readonly expires: number;
  readonly state: "asked" | "approved" | "closed";
  readonly scope: Json | undefined;
  readonly pattern: Json | undefined;
  /** Of the boundary that waits for it. */
  readonly payload: JsonObject | undefined;
  readonly uses: number;
}

/**
 * Whether every approval that let something through was asked for, given in time by somebody whom its demands let answer, for this
 * action, and used no more often than it allows.
 */
export class ApprovalCheck implements EntryCheck {
  readonly #found = new Findings("approvals");
  readonly #questions = new Map<string, Question>();
  /** The boundary right before, which a question or a use is about. */
  #boundary: BoundarySeen | undefined;
  /** A boundary that was allowed under an approval, until that is booked. */
  #due: BoundarySeen | undefined;
  readonly #run: string;
  /** What people answered and the kernel has not judged yet: it waits where a hook is at work. */
  readonly #answers: JsonObject[] = [];
  #now = 0;
  #uses = 0;

  constructor(run: string) {
    this.#run = run;
  }

  see(recorded: RecordedEntry): void {
    const { kind, seq, at, body } = recorded.entry;
    if (this.#due !== undefined && kind !== "check.approval") this.#unbooked();
    if (at !== undefined) {
      this.#now = at;
      const ref = refOf(body);
      if (kind === "input.control" && ref.control === "answer") this.#answers.push(ref);
    }
    if (kind === "check.approval") this.#booked(body, seq);
    if (kind !== "check.boundary") return;
    this.#boundary = boundaryOf(recorded);
    if (this.#boundary?.approval !== undefined) this.#due = this.#boundary;
  }

  end(): CheckResult {
    if (this.#due !== undefined) this.#unbooked();
    return this.#found.result(`${this.#questions.size} approvals were asked for, used ${this.#uses} times`);
  }

  #unbooked(): void {
    this.#found.fail("it was allowed under an approval, and no use of that is booked", this.#due?.seq);
    this.#due = undefined;
  }

  #booked(body: JsonObject, seq: number): void {
    const name = String(body.approval);
    // What did not count changes nothing.
    if (body.event === "refused") {
      this.#answers.shift();
      return;
    }
    if (body.event === "asked") {
      this.#asked(name, body, seq);
      return;
    }
    const question = this.#questions.get(name);
    if (question === undefined) {
      this.#found.fail(`approval \`${name}\` was never asked for`, seq);
      return;
    }
    if (!same(question.action, body.action)) this.#found.fail(`approval \`${name}\` is of another action`, seq);
    if (body.event === "approved") this.#approved(name, question, body, seq);
    else if (body.event === "used") this.#used(name, question, body, seq);
    else if (body.event === "repeated") return;
    else this.#close(name, question, body, seq);
  }

  #asked(name: string, body: JsonObject, seq: number): void {
    const { phase, action, demands, scopes, expires } = body;
    if (this.#questions.has(name)) this.#found.fail(`approval \`${name}\` was asked for before`, seq);
    const boundary = this.#boundary;
    if (boundary === undefined || boundary.seq !== body.boundary || !boundary.pending) {
      this.#found.fail(`approval \`${name}\` is asked for, and no boundary before it waits for one`, seq);
    } else if (!same(boundary.action, action) || !same([...boundary.demands], demands)) {
      this.#found.fail(`approval \`${name}\` is not what seq ${boundary.seq} waits for`, seq);
    }
    this.#questions.set(name, {
      phase,
      action,
      demands: Array.isArray(demands) ? demands.filter(isJsonObject) : [],
      scopes: Array.isArray(scopes) ? scopes : [],
      expires: Number(expires),
      state: "asked",
      scope: undefined,
      pattern: undefined,
      payload: boundary?.payload,
      uses: 0,
    });
  }

  #approved(name: string, question: Question, body: JsonObject, seq: number): void {
    const { scope, user, keys, pattern } = body;
    if (question.state !== "asked") this.#found.fail(`approval \`${name}\` is given, and nobody waits for it`, seq);
    this.#given(name, question, body, seq);
    if (!(this.#now < question.expires)) this.#found.fail(`approval \`${name}\` was given too late`, seq);
    if (!question.scopes.includes(scope ?? null)) {
      this.#found.fail(
        `approval \`${name}\` was given with the scope \`${String(scope)}\`, which was not asked for`,
        seq,
      );
    }
    for (const demand of question.demands) {
      const users = listOf(demand.users);
      const wanted = listOf(demand.keys);
      if (users.length > 0 && !users.includes(user ?? null)) {
        this.#found.fail(
          `approval \`${name}\` was given by \`${String(user)}\`, whom \`${String(demand.by)}\` does not let answer`,
          seq,
        );
      }
      if (wanted.length > 0 && !listOf(keys).some((key) => wanted.includes(key))) {
        this.#found.fail(`approval \`${name}\` bears the signature of no key that \`${String(demand.by)}\` wants`, seq);
      }
    }
    this.#questions.set(name, { ...question, state: "approved", scope, pattern });
  }

  /** What is booked as given is what a person answered, and bears the signatures that it says. */
  #given(name: string, { action }: Question, { scope, pattern, by, user, keys }: JsonObject, seq: number): void {
    const said = this.#answers.shift();
    const answer = said?.answer;
    if (said === undefined || !isJsonObject(answer) || said.approval !== name || answer.approve !== true) {
      this.#found.fail(`approval \`${name}\` is given, and nobody answered`, seq);
      return;
    }
    const booked = { scope: scope ?? null, pattern: pattern ?? null, by: by ?? null, user: user ?? null };
    const given = {
      scope: answer.scope ?? null,
      pattern: answer.pattern ?? null,
      by: said.by ?? null,
      user: said.user ?? null,
    };
    if (!same(booked, given)) this.#found.fail(`approval \`${name}\` is not what was answered`, seq);
    const { signed } = said;
    const statement = { run: this.#run, approval: name, action: action as Digest, answer };
    const signers = isJsonObject(signed) ? signersOfAnswer(signed, statement) : [];
    if (!same([...signers], keys)) this.#found.fail(`approval \`${name}\` bears other signatures than it says`, seq);
  }

  #close(name: string, question: Question, { event }: JsonObject, seq: number): void {
    const known = event === "denied" || event === "expired" || event === "withdrawn";
    if (!known) this.#found.fail(`approval \`${name}\` is said to be \`${String(event)}\``, seq);
    if (event === "denied") this.#answers.shift();
    if (question.state !== "asked") this.#found.fail(`approval \`${name}\` ends, and nobody waits for it`, seq);
    this.#questions.set(name, { ...question, state: "closed" });
  }

  #used(name: string, question: Question, { boundary: at }: JsonObject, seq: number): void {
    const due = this.#due;
    this.#due = undefined;
    this.#uses += 1;
    if (due === undefined || due.seq !== at || due.approval !== name) {
      this.#found.fail(`approval \`${name}\` is used, and the boundary before it was not allowed under it`, seq);
      return;
    }
    if (question.state !== "approved") this.#found.fail(`approval \`${name}\` is used, and nobody gave it`, seq);
    if (question.scope !== "pattern" && !same(due.action, question.action)) {
      this.#found.fail(`approval \`${name}\` is of another action than seq ${due.seq} let through`, seq);
    }
    if (question.scope === "pattern" && !covered(question, due)) {
      this.#found.fail(`the pattern of approval \`${name}\` does not cover what seq ${due.seq} let through`, seq);
    }
    if (question.scope === "once" && question.uses > 0) this.#found.fail(`approval \`${name}\` was used before`, seq);
    if (question.scope === "once" && !(this.#now < question.expires)) {
      this.#found.fail(`approval \`${name}\` is used after it expired`, seq);
    }
    const shown = question.demands.map(({ by }) => by);
    const unseen = due.demands.find(({ by }) => !shown.includes(by));
    if (unseen !== undefined) {
      this.#found.fail(
        `approval \`${name}\` was given without having been shown what \`${String(unseen.by)}\` demands`,
        seq,
      );
    }
    this.#questions.set(name, { ...question, uses: question.uses + 1 });
  }
}

function covered({ phase, pattern, payload: asked }: Question, due: BoundarySeen): boolean {
  if (due.phase !== phase || phase !== "pre-tool" || asked === undefined || due.payload === undefined) return false;
  return coversPattern(pattern ?? null, asked as unknown as PreTool, due.payload as unknown as PreTool);
}

function listOf(json: Json | undefined): readonly Json[] {
  return Array.isArray(json) ? json : [];
}
