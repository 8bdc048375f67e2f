import type { BrokerAdmin } from "../../message/index.ts";
import { type AdminQuestion, checkQuestion } from "../check-question.ts";

/** The questions that `admin` answers, each with its arguments checked; `subject` is the class for error texts. `checkOpen` throws when it is closed. */
export function checkedAdmin(subject: string, admin: BrokerAdmin, checkOpen: () => void): BrokerAdmin {
  const ask = (question: keyof BrokerAdmin, given: AdminQuestion): void => {
    checkQuestion(`${subject}.admin.${question}`, given);
    checkOpen();
  };
  const checked: Required<BrokerAdmin> = {
    async topics() {
      checkOpen();
      return (await admin.topics?.()) as readonly string[];
    },
    async groups(topic) {
      ask("groups", { topic });
      return (await admin.groups?.(topic)) as readonly string[];
    },
    async lag(topic, group) {
      ask("lag", { topic, group });
      return (await admin.lag?.(topic, group)) as Awaited<ReturnType<Required<BrokerAdmin>["lag"]>>;
    },
    async seek(topic, group, to) {
      ask("seek", { topic, group, to });
      await admin.seek?.(topic, group, to);
    },
    async deleteGroup(topic, group) {
      ask("deleteGroup", { topic, group });
      await admin.deleteGroup?.(topic, group);
    },
  };
  return Object.fromEntries(Object.entries(checked).filter(([question]) => admin[question as keyof BrokerAdmin] !== undefined));
}
