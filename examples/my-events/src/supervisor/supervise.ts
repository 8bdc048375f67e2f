import { fileURLToPath } from "node:url";
import { isInProcess } from "../broker/open-broker.ts";
import type { Config } from "../config/index.ts";
import { banner } from "./banner.ts";
import { Child } from "./child.ts";

/** A second Ctrl-C within this time is the same one, passed on by npm as well. */
const SAME_SIGNAL_MS = 1_000;

export interface SuperviseOptions {
  readonly config: Config;
  readonly configFile: string | undefined;
  readonly print: (line: string) => void;
}

/** Keeps both services and the live page running until Ctrl-C (or SIGTERM). Resolves with the exit code. */
export function supervise({ config, configFile, print }: SuperviseOptions): Promise<number> {
  // A broker in memory is one process's own, so then everything runs in one.
  const commands = isInProcess(config.brokerUrl) ? ["together"] : ["events", "bookings", "page"];
  const urls: Record<string, string> = {};
  let greeted = false;
  return new Promise((resolve) => {
    let stoppingSince: number | undefined;
    const stop = async (code: number): Promise<void> => {
      if (stoppingSince !== undefined) return;
      stoppingSince = performance.now();
      await Promise.all(children.map((child) => child.stop()));
      resolve(code);
    };
    const children = commands.map(
      (name) =>
        new Child({
          name,
          args: [fileURLToPath(new URL("../main.ts", import.meta.url)), name, ...(configFile === undefined ? [] : ["--config", configFile])],
          env: { ...process.env, MY_EVENTS_SUPERVISED: "1" },
          print: (line) => print(name === "together" ? line : `${name.padEnd(8)} | ${line}`),
          onReady: (ready) => {
            Object.assign(urls, ready);
            if (greeted || !["events", "bookings", "page"].every((one) => urls[one] !== undefined)) return;
            greeted = true;
            print(banner(config, urls));
          },
          onHopeless: () => void stop(1),
        }),
    );
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      process.on(signal, () => {
        if (stoppingSince === undefined) print("stopping…");
        else if (performance.now() - stoppingSince > SAME_SIGNAL_MS) for (const child of children) child.kill();
        void stop(0);
      });
    }
    for (const child of children) child.start();
  });
}
