import type { BrokerName } from "../../../scripts/brokers/broker.ts";
import type { BacklogSettings } from "../../cases/broker-backlog.ts";
import type { BrokerConsumeSettings } from "../../cases/broker-consume.ts";
import type { BrokerPublishSettings } from "../../cases/broker-publish.ts";
import { call } from "../../harness/case.ts";
import type { Place, Row } from "../row.ts";

const bytes = 16;

function publish(broker: BrokerName, name: string, count: number, way: Pick<BrokerPublishSettings, "perCall" | "underWay">): Row {
  return {
    name: `${broker} publish, ${name}`,
    broker,
    slice: ({ url }) => call<BrokerPublishSettings>("broker-publish", { client: "millrace", url, count, warmUp: way.perCall, bytes, ...way }),
    warmUps: 2,
    slices: 5,
  };
}

/** A log keeps its backlog, so each side has one that is read again and again; a queue is filled by each run. */
function consume(broker: BrokerName, concurrency: number, count: number): Row {
  const kept = broker === "kafka";
  const topic = ({ side }: Place): string => `backlog-${side}-${concurrency}`;
  return {
    name: `${broker} consume, concurrency ${concurrency}`,
    broker,
    before: kept ? (place) => call<BacklogSettings>("broker-backlog", { url: place.url, topic: topic(place), count, bytes }) : undefined,
    slice: (place) =>
      call<BrokerConsumeSettings>("broker-consume", {
        client: "millrace",
        url: place.url,
        topic: kept ? topic(place) : undefined,
        count,
        warmUp: 0,
        bytes,
        way: { reader: "router", concurrency },
        whole: true,
      }),
    warmUps: kept ? 5 : 3,
    slices: kept ? 7 : 5,
  };
}

/** Publishing until all is confirmed, and a backlog through a handler until the broker knows the last verdict. */
export const BROKER_ROWS: readonly Row[] = [
  publish("kafka", "one at a time", 400, { perCall: 1 }),
  publish("kafka", "64 at once", 15_000, { perCall: 1, underWay: 64 }),
  publish("kafka", "100 a call", 25_000, { perCall: 100 }),
  consume("kafka", 1, 40_000),
  consume("kafka", 64, 40_000),
  publish("rabbitmq", "one at a time", 300, { perCall: 1 }),
  publish("rabbitmq", "64 at once", 6000, { perCall: 1, underWay: 64 }),
  publish("rabbitmq", "100 a call", 6000, { perCall: 100 }),
  consume("rabbitmq", 1, 12_000),
  consume("rabbitmq", 64, 12_000),
];
