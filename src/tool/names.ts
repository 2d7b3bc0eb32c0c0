/** What a hurried reader or a model takes a tool's name for: characters that look alike become one, separators fall away. */
export function skeleton(name: string): string {
  return name
    .normalize("NFKC")
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]/gu, "")
    .replaceAll("rn", "m")
    .replaceAll("vv", "w")
    .replaceAll(/[1i|]/g, "l")
    .replaceAll("0", "o")
    .replaceAll("5", "s");
}
