import { AttemptFailure, nonsense } from "./failure.ts";

/** Larger answers are nonsense. Bytes after decompression. */
export const MAX_ANSWER_BYTES = 8 * 1024 * 1024;
const MAX_QUOTED = 64 * 1024;
const MAX_DETAIL = 300;
const MAX_START = 80;

/** One exchange with a provider: how far it came, and what an error may say of the answer. */
export class Exchange {
  state: "unsent" | "sent" | "answered" = "unsent";
  summary = "";
  readonly #fetch: typeof globalThis.fetch;
  readonly #quote: (text: string) => string;

  constructor(fetch: typeof globalThis.fetch, scrub: (text: string) => string) {
    this.#fetch = fetch;
    this.#quote = (text) => printable(scrub(text.slice(0, MAX_QUOTED)));
  }

  /**
   * `fetch` as the provider's package calls it. Answers only with a whole 2xx body of at most `MAX_ANSWER_BYTES`;
   * everything else is an `AttemptFailure`. Redirects are not followed: they would carry the key elsewhere.
   */
  readonly fetch: typeof globalThis.fetch = async (input, init) => {
    this.state = "sent";
    let response: Response;
    let body: Buffer;
    try {
      response = await this.#fetch(input, { ...init, redirect: "manual" });
      body = await readBounded(response);
    } catch (error) {
      if (error instanceof AttemptFailure) throw error;
      throw new AttemptFailure({ kind: "network", detail: this.quoteError(error) });
    }
    if (!response.ok) {
      const { status, headers } = response;
      throw new AttemptFailure({
        kind: "status",
        status,
        waitMs: retryAfter(headers),
        detail: this.#detailOf(status, body),
      });
    }
    this.state = "answered";
    this.summary = this.#summarise(response, body);
    return new Response(new Uint8Array(body), { status: response.status, headers: response.headers });
  };

  /** An error's message or that of its cause, as far as it may be shown. */
  quoteError(error: unknown): string {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    if (!(cause instanceof Error)) return "";
    return this.#quote("code" in cause && typeof cause.code === "string" ? cause.code : cause.message);
  }

  /** What the provider says was wrong. On 401 and 403 it tends to quote the key, so nothing is taken from there. */
  #detailOf(status: number, body: Buffer): string {
    if (status === 401 || status === 403) return "the key was not accepted";
    if (status >= 300 && status < 400) return "redirects are not followed";
    try {
      const { error, message } = Object(JSON.parse(body.toString("utf8")));
      const said: unknown = error?.message ?? error ?? message;
      return typeof said === "string" ? this.#quote(said) : "";
    } catch {
      return "";
    }
  }

  #summarise({ headers }: Response, body: Buffer): string {
    const type = this.#quote(headers.get("content-type") ?? "no content type");
    const start = this.#quote(body.toString("utf8", 0, MAX_QUOTED))
      .slice(0, MAX_START)
      .toWellFormed();
    return `${type}, ${body.byteLength} bytes, beginning \`${start}\``;
  }
}

async function readBounded(response: Response): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > MAX_ANSWER_BYTES) throw nonsense(`the body has more than ${MAX_ANSWER_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/**
 * RFC 9110 §10.2.3: seconds, or a date, which is counted from the answer's own `Date` so that no clock is needed.
 * `retry-after-ms` is what some providers send beside it. In ms; undefined when absent or unreadable.
 */
export function retryAfter(headers: Headers): number | undefined {
  const exact = headers.get("retry-after-ms")?.trim();
  if (exact !== undefined && /^\d{1,9}$/.test(exact)) return Number(exact);
  const value = headers.get("retry-after")?.trim();
  if (value === undefined) return undefined;
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000;
  const wait = Date.parse(value) - Date.parse(headers.get("date") ?? "");
  return Number.isFinite(wait) ? Math.max(wait, 0) : undefined;
}

/** One line without control and direction characters, of bounded length. */
function printable(text: string): string {
  const line = text
    .toWellFormed()
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, " ")
    .trim();
  return line.length > MAX_DETAIL ? `${line.slice(0, MAX_DETAIL).toWellFormed()}…` : line;
}
