/** The rules of DESIGN.md section 8 that the simulator watches over, and bugs that show by themselves. */
export type Rule =
  | "S1"
  | "S2"
  | "S3"
  | "S4"
  | "S5"
  | "S6"
  | "S7"
  | "S8"
  | "S9"
  | "S10"
  | "S11"
  | "S12"
  | "L1"
  | "L2"
  | "bug";

export class Violation extends Error {
  readonly rule: Rule;

  constructor(rule: Rule, message: string) {
    super(`${rule}: ${message}`);
    this.name = "Violation";
    this.rule = rule;
  }
}

export function must(holds: boolean, rule: Rule, message: () => string): asserts holds {
  if (!holds) throw new Violation(rule, message());
}
