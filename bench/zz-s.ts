import { writeHeapSnapshot } from "node:v8"; import { readFileSync, rmSync } from "node:fs";
import { MemoryPubSub, Message, Router } from "millrace";
const agg = () => { const f = writeHeapSnapshot("/tmp/x.heapsnapshot"); const s = JSON.parse(readFileSync(f, "utf8")); const F = s.snapshot.meta.node_fields; const L = F.length; const ti = F.indexOf("type"), ni = F.indexOf("name"), si = F.indexOf("self_size"); const types = s.snapshot.meta.node_types[0]; const m = new Map<string, [number, number]>();
 for (let i = 0; i < s.nodes.length; i += L) { let t = types[s.nodes[i + ti]]; let n = s.strings[s.nodes[i + ni]]; if (t === "string" || t === "concatenated string") n = ""; const k = t + " " + String(n).slice(0, 50); const e = m.get(k) ?? [0, 0]; e[0]++; e[1] += s.nodes[i + si]; m.set(k, e); } rmSync(f); return m; };
const N = 500;
async function go() { const bus = new MemoryPubSub(); const router = new Router({ subscriber: bus, owns: [bus] });
 for (let i = 0; i < N; i++) router.addConsumerHandler({ name: `h${i}`, subscribe: `t${i}`, handle: () => {} });
 await router.start(); for (let k = 0; k < 5; k++) for (let i = 0; i < N; i++) await bus.publish(`t${i}`, new Message("x")); await router.idle(); return router; }
const r0 = await go(); await r0.close();
const a = agg(); const r = await go(); const b = agg();
const rows = [...b].map(([k, [c, s]]) => { const [c0, s0] = a.get(k) ?? [0, 0]; return [k, (c - c0) / N, (s - s0) / N] as const; }).filter((x) => x[2] > 20).sort((x, y) => y[2] - x[2]);
let t = 0; for (const x of rows) t += x[2]; console.log("total/handler", t.toFixed(0)); for (const [k, c, s] of rows.slice(0, 34)) console.log(s.toFixed(0).padStart(6), c.toFixed(1).padStart(5), k);
await r.close();
