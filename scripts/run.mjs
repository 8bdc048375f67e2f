// The entry of every npm script: `node scripts/run.mjs <command> [arguments]`.
// It runs on the machine's own Node, so this file keeps to syntax that old releases parse, and looks at the version before it loads the rest.
const MINIMUM = 20;

if (Number(process.versions.node.split(".")[0]) < MINIMUM) {
  console.error(`Millrace's scripts need Node ${MINIMUM} or newer to begin with, and this is Node ${process.versions.node}.`);
  process.exitCode = 1;
} else {
  void import("./launch/launch.mjs").then(({ launch }) => launch(process.argv.slice(2)));
}
