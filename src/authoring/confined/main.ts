/**
 * Builds the component of one TypeScript source that nobody has looked at: the source comes on standard input, the component goes to
 * standard output. Runs confined (see `build.ts`); nothing of the machine is within its reach. Exit code 3 and a text on standard
 * error say what is wrong with the source.
 */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { compile } from "../compile.ts";
import { BuildError } from "../fault.ts";
import { strip } from "../strip.ts";
import { REFUSED } from "./exit.ts";

const [installation = ""] = process.argv.slice(2);
const ENTRY = "hook.ts";

try {
  const sdk = join(installation, "packages/hook-sdk");
  const files = new Map([[ENTRY, strip(ENTRY, readFileSync(0, "utf8"))]]);
  for (const file of globSync("*.ts", { cwd: sdk })) {
    if (!file.endsWith(".d.ts")) files.set(`sdk/${file}`, strip(file, readFileSync(join(sdk, file), "utf8")));
  }
  const kit = { root: installation, wit: join(installation, "wit"), lookIn: [installation] };
  process.stdout.write(await compile({ language: "typescript", entry: ENTRY, files }, kit));
} catch (error) {
  if (!(error instanceof BuildError)) throw error;
  process.stderr.write(error.message);
  process.exitCode = REFUSED;
}
