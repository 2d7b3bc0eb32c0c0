import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

const soak = process.env.PINION_SOAK === "1";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts", "hooks/**/*.test.ts"],
    exclude: ["**/node_modules/**", "**/dist/**"],
    pool: "forks",
    // Many tests wait for processes that they started, and for the disk: as many workers as cores would leave some idle.
    maxWorkers: availableParallelism() + 1,
    execArgv: ["--disable-warning=ExperimentalWarning"],
    testTimeout: soak ? 600_000 : 120_000,
    hookTimeout: 60_000,
    teardownTimeout: 20_000,
    globalSetup: ["test/support/seed.ts"],
    watch: false,
    passWithNoTests: false,
    env: { NO_COLOR: "1" },
  },
});
