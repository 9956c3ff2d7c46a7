import fc from "fast-check";
import { claimChoices } from "./story.ts";
import type { Act, Plan } from "./story.ts";

/** Stories at random: mostly work that comes and goes, now and then an accident. */
const pick = fc.nat({ max: 60 });

const plan: fc.Arbitrary<Plan> = fc.record({
  work: fc.constantFrom("run", "run", "tools"),
  claims: fc.nat({ max: claimChoices.length - 1 }),
  after: fc.array(pick, { maxLength: 2 }),
  afterAny: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, fc.array(pick, { maxLength: 2 })),
  priority: fc.integer({ min: -2, max: 2 }),
  delayMs: fc.option(fc.nat({ max: 5_000 }), { freq: 4 }),
  retries: fc.nat({ max: 2 }),
  verify: fc.boolean(),
});

const common: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("submit" as const),
      tasks: fc.array(plan, { minLength: 1, maxLength: 6 }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("report" as const),
      pick,
      how: fc.nat({ max: 100 }),
      stale: fc.constantFrom(false, false, false, true),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("land" as const),
      how: fc.nat({ max: 30 }),
      stale: fc.constantFrom(false, false, false, true),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("workerReady" as const), pick }),
  },
  {
    weight: 1,
    // Now and then the clock is set back.
    arbitrary: fc.record({
      do: fc.constant("pass" as const),
      ms: fc.integer({ min: -2_000, max: 20_000 }),
    }),
  },
);

const rare: fc.Arbitrary<Act> = fc.oneof(
  fc.record({
    do: fc.constantFrom(
      "submitAgain",
      "cancel",
      "cancel",
      "retry",
      "retry",
      "pause",
      "resume",
      "evict",
    ),
    pick,
  }),
  fc.record({
    do: fc.constantFrom("pauseAll", "resumeAll", "resumeAll", "release", "restart", "reread"),
  }),
  fc.record({ do: fc.constantFrom("workerGone", "gateReady", "gateGone"), pick }),
  fc.record({ do: fc.constant("hold" as const), kind: fc.constantFrom("problem", "rewound") }),
  fc.record({ do: fc.constant("followed" as const), how: fc.nat({ max: 1 }) }),
  fc.record({ do: fc.constant("settings" as const), how: fc.nat({ max: 12 }) }),
);

export const acts: fc.Arbitrary<Act[]> = fc.array(
  fc.oneof({ weight: 3, arbitrary: common }, { weight: 2, arbitrary: rare }),
  { minLength: 10, maxLength: 90, size: "max" },
);
