import type { Channel } from "amqplib";
import type { BrokerAdmin } from "millrace";
import { groupBusy, unknownGroup, unknownTopic } from "millrace/adapter";
import { amqpError } from "./amqp-error.ts";
import { leaveChannel } from "./leave-channel.ts";
import type { Link } from "./link.ts";
import type { RabbitMqTopology } from "./topology.ts";
import { tryAgain } from "./try-again.ts";

export interface RabbitMqAdminRules {
  readonly link: Link;
  readonly topology: RabbitMqTopology;
  queueOf(topic: string, group: string): string;
  /** This object itself reads the queue, also where it has no consumer at the moment. */
  isRead(queue: string): boolean;
}

const NOT_FOUND = 404;
const PRECONDITION = 406;

/**
 * What tools can ask over AMQP, which is little: it names no topics and no groups, it counts the messages that wait and not those
 * in the hands of members or in delay queues, and a queue cannot go back.
 */
export function rabbitMqAdmin({ link, topology, queueOf, isRead }: RabbitMqAdminRules): BrokerAdmin {
  /** The broker closes the channel of a question that it does not like: each has one of its own. */
  const ask = async <T>(question: (channel: Channel) => Promise<T>): Promise<T> => {
    const { model } = await link.open();
    const channel = await model.createChannel();
    channel.on("error", () => {}); // the question rejects
    const answer = await question(channel);
    leaveChannel(channel);
    return answer;
  };
  return {
    async deleteGroup(topic, group) {
      const queue = queueOf(topic, group);
      const exchange = topology.exchange(topic);
      if (isRead(queue)) throw groupBusy(topic, group);
      await tryAgain(
        async () => {
          if (exchange !== "") await ask((channel) => channel.checkExchange(exchange)).catch(meaning(NOT_FOUND, () => unknownTopic(topic)));
          const missing = topology.oneGroup ? unknownTopic(topic) : unknownGroup(topic, group);
          await ask((channel) => channel.checkQueue(queue)).catch(meaning(NOT_FOUND, () => missing));
          await ask((channel) => channel.deleteQueue(queue, { ifUnused: true })).catch(meaning(PRECONDITION, () => groupBusy(topic, group)));
        },
        `deleting group ${JSON.stringify(group)} of ${JSON.stringify(topic)}`,
      );
    },
  };
}

/** What a refusal with that number means here. */
function meaning(reply: number, error: () => Error): (refusal: unknown) => never {
  return (refusal) => {
    if ((refusal as { readonly code?: unknown }).code === reply) throw error();
    throw amqpError(refusal, "asking RabbitMQ");
  };
}
