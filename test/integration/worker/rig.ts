import type { Config } from "../../../ipc/configSpec.ts";
import type { Outcome, Report } from "../../../ipc/workerMessages.ts";
import { makeRepository } from "../../helpers/repository.ts";
import { FakeSupervisor } from "./fakeSupervisor.ts";
import { testSettings } from "./workspaceRig.ts";

export type SettingsChange = {
  readonly workspace?: Partial<Config["workspace"]>;
  readonly commit?: Partial<Config["commit"]>;
  readonly save?: Partial<Config["save"]>;
  readonly limits?: Partial<Config["limits"]>;
};

const files = { "a.txt": "a\n", "dir/b.txt": "b\n", ".gitignore": ".env\ninstalled\n*.log\n" };

/** A scratch repository and a fake supervisor that listens for its workers. */
export async function makeRig(change: SettingsChange = {}): Promise<FakeSupervisor> {
  const person = await makeRepository({ files });
  const supervisor = new FakeSupervisor(person, await testSettings(person, change));
  await supervisor.listen();
  return supervisor;
}

/** The same with one worker that has said hello. */
export async function startedRig(change: SettingsChange = {}): Promise<FakeSupervisor> {
  const rig = await makeRig(change);
  rig.start();
  await rig.hello();
  return rig;
}

export function savedOf(report: Report): Extract<Outcome, { result: "done" }>["saved"] {
  return "saved" in report.outcome ? report.outcome.saved : null;
}
