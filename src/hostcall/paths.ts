import type { Json } from "../model/json.ts";

/** Joins by structure: components without `.`, `..`, empty ones, backslashes and NUL; undefined when the path is none of ours. */
export function join(base: string, path: Json | undefined): string | undefined {
  if (typeof path !== "string" || !path.isWellFormed() || /[\\\0]/.test(path)) return undefined;
  if (path === "" || path === ".") return base;
  const components = path.split("/");
  if (components.some((part) => part === "" || part === "." || part === "..")) return undefined;
  return base === "" ? components.join("/") : `${base}/${components.join("/")}`;
}

/** The path in the workspace; both parts have been checked. */
export function below(root: string, path: string): string {
  const parts = [root, path].filter((part) => part !== "" && part !== ".");
  return parts.length === 0 ? "." : parts.join("/");
}
