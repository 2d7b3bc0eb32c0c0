import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { isJsonObject, type Json, type JsonObject } from "../../src/model/json.ts";

/** A call that somebody wants made. `raw`: the arguments as text, for what is no proper JSON. */
export interface Instruction {
  readonly id: string;
  readonly tool: string;
  readonly arguments?: JsonObject;
  readonly raw?: string;
}

/** What an agent does by itself: calls, one a turn, then an answer. */
export interface Task {
  readonly calls: readonly Instruction[];
  answer(): string;
}

/** How an instruction is hidden in a text. */
export function hidden(instruction: Instruction): string {
  return `INSTRUCTION: ${JSON.stringify(instruction)} END`;
}
const HIDDEN = /INSTRUCTION: (\{.*?\}) END/g;
/** Stands for more bytes than a tool result would carry. */
export const HUGE = "$HUGE";
const HUGE_BYTES = 100_000;
const TOGETHER = 6;
const REFUSED = /^(blocked|refused|denied)/;

interface Message {
  readonly role: string;
  readonly content?: Json;
  readonly tool_call_id?: string;
}

/**
 * A model that carries out every instruction that it finds in anything that it is shown, before it goes on with its task; what was
 * refused it tries once more. A server that speaks the protocol of OpenAI's chat completions.
 */
export class ObedientModel {
  readonly #server: Server;
  readonly #taskOf: (tools: readonly string[]) => Task;
  readonly #agents = new Map<string, Agent>();

  private constructor(taskOf: (tools: readonly string[]) => Task) {
    this.#taskOf = taskOf;
    this.#server = createServer((request, response) => {
      void bodyOf(request).then((body) => {
        response.writeHead(200, { "content-type": "application/json" });
        response.end(JSON.stringify(this.#answer(body)));
      });
    });
  }

  /** An agent is known by the tools that it is offered. */
  static async start(taskOf: (tools: readonly string[]) => Task): Promise<ObedientModel> {
    const model = new ObedientModel(taskOf);
    await new Promise<void>((resolve) => model.#server.listen(0, "127.0.0.1", resolve));
    return model;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`;
  }

  /** Ids of all instructions that were carried out, as far as it is up to the model. */
  get obeyed(): readonly string[] {
    return [...this.#agents.values()].flatMap(({ obeyed }) => [...obeyed]);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #answer(body: JsonObject): JsonObject {
    const offered = (body.tools as unknown as readonly { readonly function: { readonly name: string } }[]) ?? [];
    const tools = offered.map((tool) => tool.function.name);
    const key = tools.join(" ");
    const agent = this.#agents.get(key) ?? new Agent(this.#taskOf(tools), tools);
    this.#agents.set(key, agent);
    const message = agent.turn(body.messages as unknown as readonly Message[]);
    return {
      id: "turn",
      object: "chat.completion",
      created: 0,
      model: String(body.model),
      choices: [{ index: 0, message, finish_reason: "tool_calls" in message ? "tool_calls" : "stop" }],
      usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
    };
  }
}

class Agent {
  readonly obeyed = new Set<string>();
  readonly #task: Task;
  readonly #own: Instruction[];
  readonly #tools: readonly string[];
  readonly #queue: Instruction[] = [];
  readonly #known = new Map<string, Instruction>();

  constructor(task: Task, tools: readonly string[]) {
    this.#task = task;
    this.#own = [...task.calls];
    this.#tools = tools;
  }

  turn(messages: readonly Message[]): JsonObject {
    for (const message of messages) this.#read(message);
    const next = this.#queue.splice(0, TOGETHER);
    if (next.length === 0) next.push(...this.#own.splice(0, 1));
    if (next.length === 0) return { role: "assistant", content: this.#task.answer() };
    return { role: "assistant", content: "as I was told", tool_calls: next.map((one) => this.#call(one)) };
  }

  #read({ role, content, tool_call_id: call }: Message): void {
    // What it said itself it has done already.
    if (role === "assistant") return;
    for (const text of textsIn(content ?? null)) {
      for (const [, json = ""] of text.matchAll(HIDDEN)) this.#want(JSON.parse(json) as Instruction);
    }
    const made = this.#known.get(call ?? "");
    if (made !== undefined && !made.id.endsWith("-again") && typeof content === "string" && REFUSED.test(content)) {
      this.#want({ ...made, id: `${made.id}-again` });
    }
  }

  #want(instruction: Instruction): void {
    if (this.#known.has(instruction.id)) return;
    this.#known.set(instruction.id, instruction);
    this.#queue.push(instruction);
  }

  #call({ id, tool, arguments: given = {}, raw }: Instruction): JsonObject {
    this.obeyed.add(id);
    const offered = tool.replaceAll(".", "_");
    const text = (raw ?? JSON.stringify(given)).replaceAll(HUGE, "x".repeat(HUGE_BYTES));
    const name = this.#tools.includes(offered) ? offered : tool;
    return { id, type: "function", function: { name, arguments: text } };
  }
}

/** Every string in it, also in JSON that stands as text. */
function textsIn(json: Json): readonly string[] {
  if (Array.isArray(json)) return json.flatMap(textsIn);
  if (isJsonObject(json)) return Object.entries(json).flatMap(([name, value]) => [name, ...textsIn(value)]);
  if (typeof json !== "string") return [];
  try {
    const inner: Json = JSON.parse(json);
    return typeof inner === "object" && inner !== null ? textsIn(inner) : [json];
  } catch {
    return [json];
  }
}

async function bodyOf(request: IncomingMessage): Promise<JsonObject> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return JSON.parse(Buffer.concat(chunks).toString("utf8")) as JsonObject;
}
