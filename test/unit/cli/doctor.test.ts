import { expect } from "chai";
import { fileSystemFinding, spaceFinding } from "../../../cli/doctor/disk.ts";
import { choice, fine, problem, typed, warning } from "../../../cli/doctor/finding.ts";
import { journalFindings } from "../../../cli/doctor/journal.ts";
import { gitFinding, nodeFinding } from "../../../cli/doctor/programs.ts";
import { lockFinding, refsFinding } from "../../../cli/doctor/repository.ts";
import { painter } from "../../../cli/render/paint.ts";
import { doctorPage } from "../../../cli/render/doctor.ts";
import { readJournalCheck } from "../../../ipc/journalCheck.ts";
import { layoutOf } from "../../../system/paths.ts";
import { now, statusView } from "./views.ts";

const layout = layoutOf({ commonDir: "/srv/my app/.git", workTree: "/srv/my app" });
const look = { width: Infinity, paint: painter(false), now };

describe("the page of orchd doctor", () => {
  it("puts problems before warnings below what is well, each with meaning and commands", () => {
    const page = doctorPage(
      [
        warning("space", { message: "Little is free.", meaning: "It may stop." }),
        fine("node", "Node 24"),
        problem("git", {
          message: "git is old.",
          meaning: "Nothing lands.",
          choices: [choice("Look.", "git version"), choice("Install another.")],
        }),
      ],
      look,
    );
    expect(page.split("\n")).to.deep.equal([
      "✓ Node 24",
      "",
      "✗ git is old.",
      "  Nothing lands.",
      "  - Look.",
      "      git version",
      "  - Install another.",
      "",
      "! Little is free.",
      "  It may stop.",
      "",
      "1 problem, 1 warning.",
    ]);
  });

  it("says in two words that all is well", () => {
    expect(doctorPage([fine("node", "Node 24")], look)).to.match(/\n\nAll is well\.$/);
  });
});

describe("a finding of orchd doctor", () => {
  it("refuses versions of git and Node that lack what is needed", () => {
    expect(gitFinding("git version 2.37.9").level).to.equal("problem");
    expect(gitFinding("git version 2.38.0").level).to.equal("ok");
    expect(gitFinding("git version 3.0.1").message).to.equal("git 3.0.1");
    expect(gitFinding(null).level).to.equal("problem");
    expect(nodeFinding("22.21.4").level).to.equal("problem");
    expect(nodeFinding("22.22.0").level).to.equal("ok");
  });

  it("knows a network file system by its number, negative as some platforms give it or not", () => {
    expect(fileSystemFinding("/x", 0x6969).message).to.include("NFS");
    expect(fileSystemFinding("/x", 0xff534d42 | 0).level).to.equal("problem");
    expect(fileSystemFinding("/x", 0x65735546).level).to.equal("warning");
    expect(fileSystemFinding("/x", 0xef53).level).to.equal("ok");
  });

  it("warns of little space, and calls next to none a problem", () => {
    const megabytes = (count: number) => spaceFinding("/x", count * 1024 * 1024, 0).level;
    expect([2_000, 500, 50].map(megabytes)).to.deep.equal(["ok", "warning", "problem"]);
  });

  it("calls less than limits.min_free_disk a problem, with both numbers", () => {
    const gibibyte = 1024 ** 3;
    expect(spaceFinding("/x", 9 * gibibyte, 9 * gibibyte).level).to.equal("ok");
    const short = spaceFinding("/x", 8 * gibibyte, 9 * gibibyte);
    expect(short).to.deep.include({
      level: "problem",
      message: "Only 8 GiB are free in /x, less than limits.min_free_disk (9 GiB).",
    });
  });

  it("judges a lock of git by its user, its age and whose ref it locks", () => {
    const of = (name: string, age: number, user: number | null) =>
      lockFinding(`/g/${name}`, age, user, "/g").level;
    expect(of("index.lock", 3_600_000, 12)).to.equal("ok");
    expect(of("index.lock", 1_000, null)).to.equal("warning");
    expect(of("index.lock", 3_600_000, null)).to.equal("problem");
    expect(of("refs/heads/orchd/main.lock", 3_600_000, null)).to.equal("warning");
  });

  it("tells how old a lock of packed refs is, what it stops, and how to remove it", () => {
    const finding = lockFinding("/g/packed-refs.lock", 7_200_000, null, "/g");
    expect(finding.level).to.equal("problem");
    expect(finding.message).to.match(/^\/g\/packed-refs\.lock is 2h.* old/);
    expect(finding.meaning).to.match(/git gc.*none of orchd's old refs.*Tasks land all the same/);
    expect(finding.choices.map(({ command }) => command)).to.deep.equal([
      "pgrep -a git",
      "rm /g/packed-refs.lock",
    ]);
  });

  it("names some of the tasks that refs have and the journal has not", () => {
    const names = ["a", "b", "c", "d", "e", "f"];
    expect(refsFinding(names).message).to.include("a, b, c, d, e and 1 more");
    expect(refsFinding([]).level).to.equal("ok");
  });

  it("explains what became of the journal, and gives commands that a shell takes as they are", () => {
    const [damaged] = journalFindings(
      { kind: "damaged", where: "events", message: "event 7 is missing", good_until: 6 },
      layout,
      { kind: "none" },
    );
    expect(damaged?.message).to.equal(
      "The journal is damaged (events): event 7 is missing. Events up to 6 are good.",
    );
    const commands = damaged?.choices.map(({ command }) => command).join("\n");
    expect(commands).to.include("mv '/srv/my app/.git/orchd/journal.db' ");
    const [newer] = journalFindings({ kind: "format", found: 2, known: 1 }, layout, {
      kind: "none",
    });
    expect(newer?.message).to.include("format 2; this one knows 1");
  });

  it("passes on that a supervisor cannot write", () => {
    const status = statusView();
    const stuck = {
      ...status,
      daemon: { ...status.daemon, journal: { problem: "the disk is full" } },
    };
    const found = journalFindings({ kind: "good", events: 9, tasks: 3, proven: 2 }, layout, {
      kind: "answers",
      pid: 1,
      status: stuck,
    });
    expect(found.map(({ level }) => level)).to.deep.equal(["ok", "problem"]);
    expect(found[0]?.message).to.include("doctor --deep");
  });

  it("quotes paths for the shell", () => {
    expect(typed("/a/b-c.d")).to.equal("/a/b-c.d");
    expect(typed("/it's")).to.equal(`'/it'\\''s'`);
  });
});

describe("the line of the journal's check", () => {
  it("is read, and nothing else is", () => {
    const line = JSON.stringify({ verdict: { kind: "absent" }, unknown: ["a"] });
    expect(readJournalCheck(line)?.unknown).to.deep.equal(["a"]);
    for (const other of ["", "{}", '{"verdict":{"kind":"better"},"unknown":[]}', "[1]"])
      expect(readJournalCheck(other)).to.equal(null);
  });
});
