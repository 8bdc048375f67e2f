// Keeps one processor busy until it is killed, ten seconds at most.
process.send("spinning");
for (const until = performance.now() + 10_000; performance.now() < until; );
