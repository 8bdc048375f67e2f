import { Message, type UndecodableRecord } from "millrace";
import { describe, expect, it } from "vitest";
import { readSome } from "../../../test/read-some.ts";
import { until } from "../../../test/until.ts";
import { TestDatabase } from "./testing/test-database.ts";

const file = new TestDatabase();
const open = file.open.bind(file);
const connect = file.connect.bind(file);

function putUndecodable(): void {
  connect().exec("INSERT INTO watermill_t (uuid, created_at, payload, metadata) VALUES ('bad', '2030-01-02T03:04:05Z', x'00ff', 'nonsense')");
}

/** A dead letter that is down, until it is up. */
class DeadLetter {
  up = false;
  tries = 0;
  readonly taken: string[] = [];

  readonly put = async ({ position }: UndecodableRecord): Promise<void> => {
    this.tries++;
    if (!this.up) throw new Error("the dead letter is down");
    this.taken.push(position);
  };
}

describe.each([
  ["of a group", "g"],
  ["without a group", undefined],
] as const)("a row that cannot be decoded, in a reading %s", (_, group) => {
  it("is tried again when its dead letter has failed, holds up nobody meanwhile, and shows in health", async () => {
    const pubsub = open();
    await pubsub.publish("t", new Message("1"));
    putUndecodable();
    await pubsub.publish("t", new Message("2"));
    const letters = new DeadLetter();
    const subscription = await pubsub.subscribe("t", { group, undecodable: letters.put });
    expect((await readSome(subscription, 2)).map((message) => message.text())).toEqual(["1", "2"]);
    await until(() => subscription.status().state === "blocked", "health shows it");
    expect(subscription.status().detail).toMatch(/position 2 cannot be decoded, and its dead letter has failed \d times: the dead letter is down/);
    letters.up = true;
    await until(() => letters.taken.length > 0, "the dead letter has it");
    await until(() => subscription.status().state === "running", "health is well again");
    await until(() => subscription.status().lag === 0, "nothing is left");
    expect(letters.taken).toEqual(["2"]);
  });
});

describe("a row that cannot be decoded", () => {
  it("holds the group's position until its dead letter has it, also through a change of members", async () => {
    const pubsub = open();
    await pubsub.provision("t", { group: "g" });
    putUndecodable();
    await pubsub.publish("t", new Message("2"));
    const down = new DeadLetter();
    const first = await pubsub.subscribe("t", { group: "g", undecodable: down.put });
    expect((await readSome(first, 1)).map((message) => message.text())).toEqual(["2"]);
    await until(() => down.tries > 1, "it was tried again");
    await first.flush();
    const position = () => connect().prepare("SELECT offset_acked AS acked FROM watermill_offsets_t").get();
    expect(position()).toMatchObject({ acked: 0 });
    await first.close();
    const letters = new DeadLetter();
    letters.up = true;
    const second = await pubsub.subscribe("t", { group: "g", undecodable: letters.put });
    const reading = readSome(second, 1);
    await until(() => letters.taken.length > 0, "the dead letter of the next member has it");
    await until(() => (position() as { acked: number }).acked === 2, "the group has moved on");
    await second.close();
    expect(await reading).toEqual([]);
    expect(letters.taken).toEqual(["1"]);
  });
});
