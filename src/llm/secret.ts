/** Shorter values are placeholders such as `ollama`; replacing them would only maul ordinary text. */
const SHORTEST = 8;

/** Replaces a key, also in base64, hexadecimal and URL form, wherever it occurs in a text. */
export function scrubber(secret: string | undefined): (text: string) => string {
  if (secret === undefined || secret.length < SHORTEST) return (text) => text;
  const bytes = Buffer.from(secret);
  const hex = bytes.toString("hex");
  const forms = [
    secret,
    encodeURIComponent(secret),
    bytes.toString("base64"),
    bytes.toString("base64").replace(/=+$/, ""),
    bytes.toString("base64url"),
    hex,
    hex.toUpperCase(),
  ];
  return (text) => forms.reduce((rest, form) => rest.replaceAll(form, "[key]"), text);
}
