import { Consumer, Producer, Admin } from "@platformatic/kafka";
import { Message } from "millrace";
import { KafkaPubSub } from "./pub-sub.ts";
const url = "kafka://127.0.0.1:23092"; const brokers = ["127.0.0.1:23092"];
const size = Number(process.argv[2] ?? 16);
const cpu = () => { const { user, system } = process.cpuUsage(); return user + system; };
async function measure(name: string, n: number, f: () => Promise<void>) {
  const c0 = cpu(), t0 = performance.now(); await f(); const w = performance.now() - t0;
  console.log(name.padEnd(28), `${((cpu() - c0) / n).toFixed(2)} µs cpu/msg`, `${Math.round(n / w * 1000)}/s`);
}
const N = 100_000;
const topic = `bench${Date.now()}-${size}`;
const bus = new KafkaPubSub({ url, topics: { partitions: 4 } });
await bus.provision(topic); 
const payload = new Uint8Array(size).fill(65);
const msgs = Array.from({ length: 500 }, () => new Message(payload));
await bus.publish(topic, msgs);
const producer = new Producer({ clientId: "b", bootstrapBrokers: brokers, idempotent: true, retries: 5 });
const bare = Array.from({ length: 500 }, (_, i) => ({ topic, value: Buffer.from(payload), headers: { _watermill_message_uuid: msgs[i]!.id }, partition: undefined as never }));
const ser = { key: (x?: Buffer) => x, value: (x?: Buffer) => x, headerKey: (x?: string) => Buffer.from(x!), headerValue: (x?: string) => Buffer.from(x!) };
const producer2 = new Producer({ clientId: "b", bootstrapBrokers: brokers, idempotent: true, retries: 5, serializers: ser as never });
for (let r = 0; r < 2; r++) {
  await measure("publish 500x4 ours", N, async () => { await Promise.all(Array.from({ length: 4 }, async () => { for (let i = 0; i < N / 2000; i++) await bus.publish(topic, msgs); })); });
  await measure("publish 500x4 bare", N, async () => { await Promise.all(Array.from({ length: 4 }, async (_, p) => { for (let i = 0; i < N / 2000; i++) await producer2.send({ messages: bare.map((m) => ({ ...m, partition: p })) as never }); })); });
}
await measure("publish single, no wait", N, async () => { const all: Promise<void>[] = []; for (let i = 0; i < N; i++) all.push(bus.publish(topic, msgs[i % 500]!)); await Promise.all(all); });
const total = N * 5 + 500;
for (let r = 0; r < 2; r++) {
  await measure("consume ours (group)", total, async () => {
    const s = await bus.subscribe(topic, { group: `${topic}-${r}`, maxInFlight: 1000, orderBy: "none" });
    let n = 0; for await (const m of s) { m.id; m.ack(); if (++n === total) break; }
    await s.flush(); await s.close();
  });
}
await measure("consume bare fetch", total, async () => {
  const c = new Consumer({ clientId: "c", groupId: `${topic}-bare`, bootstrapBrokers: brokers });
  c.topics.track(topic);
  const md = await c.metadata({ topics: [topic] }); const info = md.topics.get(topic)!;
  const pos = info.partitions.map(() => 0n); let n = 0; let idLen = 0;
  while (n < total) {
    const res = await c.fetch({ node: info.partitions[0]!.leader, maxWaitTime: 500, topics: [{ topicId: info.id, partitions: pos.map((o, p) => ({ partition: p, currentLeaderEpoch: -1, fetchOffset: o, lastFetchedEpoch: -1, partitionMaxBytes: 1048576 })) }] });
    for (const p of res.responses[0]?.partitions ?? []) for (const b of p.records ?? []) {
      for (const rec of b.records) { if (b.firstOffset + BigInt(rec.offsetDelta) < pos[p.partitionIndex]!) continue; n++; const h = rec.headers[0]; if (h) idLen += String(h[1]).length; }
      pos[p.partitionIndex] = b.firstOffset + BigInt(b.lastOffsetDelta) + 1n;
    }
  }
  await c.close(true);
});
await bus.close(); await producer.close(); await producer2.close();
