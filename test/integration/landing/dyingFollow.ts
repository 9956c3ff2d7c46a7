import { flushCompileCache } from "node:module";
import { writeSync } from "node:fs";
import { createLanding } from "../../../daemon/landing/landing.ts";
import { arm } from "../../../system/failpoint.ts";

/** A supervisor that follows and kills itself at a failpoint: `node dyingFollow.ts <git dir> <tree> <failpoint>`. */
const [gitDir = "", workTree = "", step = ""] = process.argv.slice(2);
// For the next one: this one never comes to its end.
flushCompileCache();
arm({ at: step, action: "kill" });
const landing = createLanding({ gitDir, workTree, target: "main", epoch: 2 });
await landing.prepare();
writeSync(1, JSON.stringify(await landing.follow({ from: null })));
