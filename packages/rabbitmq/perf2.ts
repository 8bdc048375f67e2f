import { Message } from "millrace";
import { RabbitMqPubSub } from "@millrace/rabbitmq";
import { connect } from "amqplib";
const url = "amqp://guest:guest@127.0.0.1:35673";
const N = Number(process.argv[2] ?? 30000), size = Number(process.argv[3] ?? 16);
const payload = Buffer.alloc(size, 97);
const cpu = () => { const c = process.cpuUsage(); return (c.user + c.system) / 1000; };
const rate = (n: number, ms: number) => `${(ms * 1000 / n).toFixed(1)}us cpu`;
const conn = await connect(url, { noDelay: true });
const ch = await conn.createConfirmChannel();
async function bare(topic: string) {
  await ch.assertExchange(topic, "fanout", { durable: true, autoDelete: true });
  await ch.assertQueue(topic + "_g", { durable: true, arguments: { "x-expires": 60000 } });
  await ch.bindQueue(topic + "_g", topic, "");
  let t = cpu();
  let sent = 0, done = 0;
  await new Promise<void>((resolve) => {
    const next = () => { while (sent < N && sent - done < 1000) { sent++; ch.publish(topic, "", payload, { persistent: true, mandatory: true, headers: { _watermill_message_uuid: "01a1fec1-89f9-7000-bb58-84a766eef3df" } }, (err) => { if (err) throw err; if (++done === N) resolve(); else if (sent < N) next(); }); } };
    next();
  });
  const pub = cpu() - t;
  const c2 = await connect(url, { noDelay: true }); const ch2 = await c2.createChannel();
  await ch2.prefetch(1000);
  t = cpu(); let got = 0; let lastMsg: any; let un = 0;
  await new Promise<void>((resolve) => void ch2.consume(topic + "_g", (m) => { got++; un++; if (un === 64 || got === N) { ch2.ack(m!, true); un = 0; } if (got === N) resolve(); }));
  await ch2.prefetch(1);
  const con = cpu() - t;
  await c2.close();
  return [pub, con];
}
async function ours(topic: string) {
  const bus = new RabbitMqPubSub({ url, exchange: { autoDelete: true }, queue: { expiresMs: 60000 } });
  await bus.provision(topic, { group: "g" });
  let t = cpu();
  let sent = 0, done = 0;
  await new Promise<void>((resolve, reject) => {
    const next = () => { while (sent < N && sent - done < 1000) { sent++; bus.publish(topic, new Message(payload)).then(() => { if (++done === N) resolve(); else next(); }, reject); } };
    next();
  });
  const pub = cpu() - t;
  const sub = await bus.subscribe(topic, { group: "g", maxInFlight: 64, orderBy: "none" });
  t = cpu(); let got = 0;
  for await (const m of sub) { m.ack(); if (++got === N) break; }
  await sub.flush();
  const con = cpu() - t;
  t = cpu();
  for (let i = 0; i < N; i += 100) await bus.publish(topic, Array.from({ length: 100 }, () => new Message(payload)));
  const batch = cpu() - t;
  const take = (sub as any)["millrace.take"];
  await bus.close();
  return [pub, con, batch];
}
for (let r = 0; r < 3; r++) {
  const b=[1,1];const o = await ours("perf-o" + r);
  console.log(`bare publish ${rate(N, b[0]!)} consume(multiple 64) ${rate(N, b[1]!)} | ours publish ${rate(N, o[0]!)} consume ${rate(N, o[1]!)} batches of 100 awaited ${rate(N, o[2]!)}`);
}
await conn.close();
