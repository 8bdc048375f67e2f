import { expect, it } from "vitest";
import { studentT } from "./student-t.ts";

it("gives the quantiles that are printed in tables, for odd and even degrees of freedom", () => {
  const [of95, of99] = [
    { 1: 12.7062, 2: 4.3027, 3: 3.1824, 4: 2.7764, 9: 2.2622, 14: 2.1448, 29: 2.0452, 30: 2.0423, 120: 1.9799 },
    { 1: 63.6567, 2: 9.9248, 5: 4.0321, 14: 2.9768 },
  ];
  for (const [degrees, expected] of Object.entries(of95)) expect(studentT(0.95, Number(degrees)), `95 %, ${degrees}`).toBeCloseTo(expected, 4);
  for (const [degrees, expected] of Object.entries(of99)) expect(studentT(0.99, Number(degrees)), `99 %, ${degrees}`).toBeCloseTo(expected, 4);
});
