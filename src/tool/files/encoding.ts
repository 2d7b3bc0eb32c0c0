import { ToolError } from "../../model/tool.ts";

export type Encoding = "utf8" | "base64";

/** Bytes as text. Throws `ToolError("not-text")` when they are no UTF-8. */
export function encode(data: Uint8Array, encoding: Encoding, path: string): string {
  if (encoding === "base64") return Buffer.from(data).toString("base64");
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(data);
  } catch {
    throw new ToolError("not-text", `\`${path}\` is not UTF-8 there; read it with the encoding \`base64\``);
  }
}

/** Throws `ToolError("bad-base64")` for text that is not base64 (RFC 4648 §4). */
export function decode(content: string, encoding: Encoding): Uint8Array {
  if (encoding === "utf8") return Buffer.from(content, "utf8");
  const data = Buffer.from(content, "base64");
  if (data.toString("base64") !== content) throw new ToolError("bad-base64", "the content is not base64");
  return data;
}

/** How many bytes at the end belong to a character that is cut: 0 to 3. */
export function cutAtEnd(data: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, data.length); back++) {
    const byte = data[data.length - back] ?? 0;
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) return back < lengthOf(byte) ? back : 0;
  }
  return 0;
}

function lengthOf(lead: number): number {
  if (lead >= 0xf0) return 4;
  return lead >= 0xe0 ? 3 : 2;
}
