import { MemoryPubSub, Message, Router } from "millrace";
const [topics, run, mode] = [Number(process.argv[2]), Number(process.argv[3]), process.argv[4]];
async function send(count: number) {
  const bus = new MemoryPubSub(); const router = new Router({ subscriber: bus, owns: [bus] });
  let left = count; let fin = () => {}; const done = new Promise<void>((r) => (fin = r));
  const names = Array.from({ length: topics }, (_, i) => `t-${i}`);
  if (mode === "router") { for (const name of names) router.addConsumerHandler({ name, subscribe: name, handle: () => { if (--left === 0) fin(); } }); await router.start(); }
  else for (const n of names) { const s = await bus.subscribe(n, { group: "g" }); void (async () => { for await (const m of s) { m.ack(); if (--left === 0) fin(); } })(); }
  const payload = new Uint8Array(16);
  const c0 = process.cpuUsage();
  for (let sent = 0, at = 0; sent < count; at = (at + 1) % topics) for (let k = 0; k < run && sent < count; k++, sent++) await bus.publish(names[at] as string, new Message(payload));
  await done; const c = process.cpuUsage(c0);
  await router.close(); await bus.close();
  return ((c.user + c.system) * 1000) / count;
}
await send(300000); console.log(topics, run, mode, (await send(600000)).toFixed(0), "cpu ns");
