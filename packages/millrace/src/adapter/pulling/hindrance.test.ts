import { describe, expect, it } from "vitest";
import { Hindrance } from "./hindrance.ts";

describe("what holds a source up", () => {
  it("is shown one at a time: the group's trouble, then that of leases, then of one entry, each once", () => {
    const shown: (string | undefined)[] = [];
    const hindrance = new Hindrance((detail) => shown.push(detail));
    hindrance.entry("entry");
    hindrance.leases("leases");
    hindrance.group("group");
    hindrance.group("group");
    hindrance.leases("other leases");
    hindrance.group(undefined);
    hindrance.leases(undefined);
    hindrance.entry(undefined);
    expect(shown).toEqual(["entry", "leases", "group", "other leases", "entry", undefined]);
  });

  it("is shown again to whoever has forgotten; of the group only what was said of this link", () => {
    const shown: (string | undefined)[] = [];
    const hindrance = new Hindrance((detail) => shown.push(detail));
    hindrance.leases("leases");
    hindrance.again();
    hindrance.group("group");
    hindrance.relinked();
    hindrance.again();
    expect(shown).toEqual(["leases", "leases", "group", "leases"]);
  });
});
