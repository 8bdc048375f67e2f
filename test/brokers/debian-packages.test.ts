import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { installDebianPackages } from "../../scripts/brokers/debian-packages.ts";

const CAUSE = "there is no rabbitmq-server on PATH";

describe("installing Debian's packages", () => {
  it("tells an ordinary user which command would do it", async () => {
    pathWith("exit 0");
    vi.spyOn(process, "getuid").mockReturnValue(1_000);
    await expect(installDebianPackages("RabbitMQ", ["rabbitmq-server"], CAUSE)).rejects.toThrow(
      `RabbitMQ cannot be started because ${CAUSE}: "apt-get install --no-install-recommends rabbitmq-server" as root installs it`,
    );
  });

  it("names the cause alone where there is no apt-get", async () => {
    pathWith();
    await expect(installDebianPackages("RabbitMQ", ["rabbitmq-server"], CAUSE)).rejects.toThrow(/^RabbitMQ cannot be started because there is no \S+ on PATH$/);
  });

  it("repeats what apt-get complains of", async (context) => {
    if (process.getuid?.() !== 0) return context.skip("only root installs packages");
    pathWith('echo "E: Unable to locate package $5" >&2; exit 100');
    await expect(installDebianPackages("RabbitMQ", ["rabbitmq-server"], CAUSE)).rejects.toThrow(/ended with code 100: E: Unable to locate package/);
  });
});

/** `PATH` leads to nothing but, perhaps, an `apt-get` that does this. */
function pathWith(aptGet?: string): void {
  const folder = mkdtempSync(join(tmpdir(), "millrace-path-"));
  if (aptGet !== undefined) writeFileSync(join(folder, "apt-get"), `#!/bin/sh\n${aptGet}\n`, { mode: 0o755 });
  vi.stubEnv("PATH", folder);
  vi.spyOn(console, "log").mockReturnValue();
  onTestFinished(() => {
    vi.unstubAllEnvs();
    vi.restoreAllMocks();
    rmSync(folder, { recursive: true });
  });
}
