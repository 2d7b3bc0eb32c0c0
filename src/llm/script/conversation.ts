import type { Json } from "../../model/json.ts";
import type { ModelRequest } from "../../model/message.ts";

/** What a tool returned, or the reason why it returned nothing. */
export interface Result {
  readonly ok: boolean;
  readonly text: string;
}

/** What a script can quote: the request as the model sees it, and nothing else. */
export class Conversation {
  readonly step: number;
  readonly goal: string;
  readonly #results = new Map<string, Result>();

  constructor({ step, messages }: ModelRequest) {
    this.step = step;
    this.goal = messages.find((message) => message.role === "user")?.text ?? "";
    for (const message of messages) {
      if (message.role !== "tool") continue;
      // The last result is found under the call's id, under it without its number, and under the tool's name.
      for (const name of [message.call, message.call.replace(/-\d+$/, ""), message.tool]) {
        this.#results.set(name, { ok: message.ok, text: message.text });
      }
    }
  }

  /** By the id of a call, or by the name of a tool: its last call that is still in the conversation. */
  result(name: string): Result | undefined {
    return this.#results.get(name);
  }
}

/** The tool's value; as text when it is not JSON, as for a refusal or a result that was cut. */
export function jsonOf({ ok, text }: Result): Json {
  if (!ok) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
