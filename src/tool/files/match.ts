import { RE2JS, RE2JSException } from "re2js";
import { ToolError } from "../../model/tool.ts";

/** The column of the first match in a line, from 0; -1 when there is none. Linear in the length of the line. */
export type Finder = (line: string) => number;

/** Throws `ToolError("bad-pattern")`. Regular expressions are RE2's: no back-references and no look-around. */
export function finderOf(options: {
  readonly pattern: string;
  readonly regex: boolean;
  readonly ignoreCase: boolean;
}): Finder {
  const { pattern, regex, ignoreCase } = options;
  if (!regex && !ignoreCase) return (line) => line.indexOf(pattern);
  try {
    const source = regex ? pattern : RE2JS.quote(pattern);
    const compiled = RE2JS.compile(source, ignoreCase ? RE2JS.CASE_INSENSITIVE : 0);
    return (line) => {
      const matcher = compiled.matcher(line);
      return matcher.find() ? matcher.start() : -1;
    };
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error;
    throw new ToolError(
      "bad-pattern",
      `the pattern is not a regular expression that runs in linear time: ${error.message}`,
    );
  }
}
