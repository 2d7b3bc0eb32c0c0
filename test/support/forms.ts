/** Every way in which a hostile tool may say a value, by name: alone, within other text, and in one encoding on top of another. */
export function formsOf(value: string): Readonly<Record<string, string>> {
  const bytes = Buffer.from(value);
  const hex = bytes.toString("hex");
  const pairs = hex.match(/../g) ?? [];
  const everyPercent = pairs.map((pair) => `%${pair}`).join("");
  const everyEscape = [...value].map((char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`).join("");
  const shifted = (shift: number, encoding: "base64" | "base64url"): string =>
    Buffer.concat([Buffer.from("xyz".slice(0, shift)), bytes, Buffer.from("#")]).toString(encoding);
  return {
    plain: value,
    "base64, first place": bytes.toString("base64"),
    "base64, second place": shifted(1, "base64"),
    "base64, third place": shifted(2, "base64"),
    "base64 without padding": bytes.toString("base64").replace(/=+$/, ""),
    "base64 for URLs, first place": bytes.toString("base64url"),
    "base64 for URLs, second place": shifted(1, "base64url"),
    "base64 for URLs, third place": shifted(2, "base64url"),
    "base64 behind letters of its alphabet": `token/${bytes.toString("base64")}`,
    "base64 in lines": (bytes.toString("base64").match(/.{1,8}/g) ?? []).join("\n"),
    hex,
    "upper-case hex": hex.toUpperCase(),
    "mixed hex": hex.replace(/[a-f]/g, (digit, at: number) => (at % 2 === 0 ? digit : digit.toUpperCase())),
    "hex in pairs": pairs.join(":"),
    "hex behind a digit": `7${hex}`,
    URL: encodeURIComponent(value),
    "URL, every byte": everyPercent,
    "URL, every byte, upper case": everyPercent.toUpperCase(),
    "URL, every other byte": [...bytes]
      .map((byte, at) => (at % 2 === 0 ? `%${(pairs[at] ?? "").toUpperCase()}` : String.fromCharCode(byte)))
      .join(""),
    form: new URLSearchParams({ v: value }).toString(),
    JSON: JSON.stringify(value),
    "JSON, every character": everyEscape,
    "JSON in JSON": JSON.stringify(JSON.stringify(value)),
    HTML: [...value].map((char) => `&#${char.charCodeAt(0)};`).join(""),
    "HTML, hexadecimal": [...value].map((char) => `&#x${char.charCodeAt(0).toString(16)};`).join(""),
    "UTF-16": Buffer.from(value, "utf16le").toString("latin1"),
    "base64 of base64": Buffer.from(bytes.toString("base64")).toString("base64"),
    "base64 in a URL": encodeURIComponent(bytes.toString("base64")),
    "hex of URL": Buffer.from(encodeURIComponent(value)).toString("hex"),
  };
}
