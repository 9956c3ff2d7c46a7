import fc from "fast-check";
import { claimChoices } from "./story.ts";
import type { Act, Plan } from "./story.ts";

/** Stories at random: mostly work that comes and goes, now and then an accident. */
const pick = fc.nat({ max: 60 });

/** None, mostly: whoever comes after a task that fails is over at once. */
const few = fc.oneof(
  { weight: 4, arbitrary: fc.constant<number[]>([]) },
  { weight: 1, arbitrary: fc.array(pick, { minLength: 1, maxLength: 2 }) },
);

const plan: fc.Arbitrary<Plan> = fc.record({
  work: fc.constantFrom("run", "run", "tools"),
  claims: fc.nat({ max: claimChoices.length - 1 }),
  after: few,
  afterAny: few,
  priority: fc.integer({ min: -2, max: 2 }),
  delayMs: fc.option(fc.nat({ max: 5_000 }), { freq: 5 }),
  retries: fc.nat({ max: 2 }),
  verify: fc.constantFrom(false, false, true),
});

/** Most of what happens is that work goes well. */
const stale = fc.constantFrom(false, false, false, false, false, true);
const outcome = fc.oneof({ weight: 3, arbitrary: fc.constantFrom(4, 5, 6) }, fc.nat({ max: 100 }));
const landing = fc.oneof(
  { weight: 3, arbitrary: fc.constant(0) },
  fc.constant(1),
  fc.nat({ max: 5 }),
);

function weighted(weight: number, arbitrary: fc.Arbitrary<Act>): fc.WeightedArbitrary<Act> {
  return { weight, arbitrary };
}

const submit: fc.Arbitrary<Act> = fc.record({
  do: fc.constant("submit"),
  tasks: fc.array(plan, { minLength: 1, maxLength: 6 }),
});

const act: fc.Arbitrary<Act> = fc.oneof(
  weighted(10, submit),
  weighted(25, fc.record({ do: fc.constant("report"), pick, how: outcome, stale })),
  weighted(35, fc.record({ do: fc.constant("land"), how: landing, stale })),
  // Now and then the clock is set back.
  weighted(8, fc.record({ do: fc.constant("pass"), ms: fc.integer({ min: -2_000, max: 20_000 }) })),
  weighted(6, fc.record({ do: fc.constant("workerReady"), pick })),
  weighted(3, fc.record({ do: fc.constantFrom("workerGone", "gateReady", "gateGone"), pick })),
  weighted(4, fc.record({ do: fc.constantFrom("cancel", "submitAgain"), pick })),
  weighted(6, fc.record({ do: fc.constant("retry"), pick })),
  weighted(6, fc.record({ do: fc.constantFrom("pause", "resume", "evict"), pick })),
  weighted(1, fc.record({ do: fc.constant("pauseAll") })),
  weighted(4, fc.record({ do: fc.constantFrom("resumeAll", "release") })),
  weighted(2, fc.record({ do: fc.constant("pauseLabel") })),
  weighted(3, fc.record({ do: fc.constant("resumeLabel") })),
  weighted(2, fc.record({ do: fc.constantFrom("restart", "reread") })),
  weighted(1, fc.record({ do: fc.constant("hold"), kind: fc.constantFrom("problem", "rewound") })),
  weighted(2, fc.record({ do: fc.constant("followed"), how: fc.nat({ max: 1 }) })),
  weighted(3, fc.record({ do: fc.constant("lock"), claims: pick, wait: fc.boolean() })),
  weighted(4, fc.record({ do: fc.constantFrom("unlock", "giveUp", "breakLock"), pick })),
  weighted(1, fc.record({ do: fc.constant("foreign"), pick })),
  weighted(2, fc.record({ do: fc.constant("settings"), how: fc.nat({ max: 12 }) })),
);

export const acts: fc.Arbitrary<Act[]> = fc.array(act, {
  minLength: 20,
  maxLength: 150,
  size: "max",
});

/** Many tasks first, so that most of what follows happens to a crowd that waits. */
export const crowdedActs: fc.Arbitrary<Act[]> = fc
  .tuple(fc.array(submit, { minLength: 8, maxLength: 16, size: "max" }), acts)
  .map(([crowd, rest]) => [...crowd, ...rest]);
