// @ts-check
/** An entry as plain text, for a report of a problem. */
import { duration } from "../../base/format.js";
import { t } from "../../base/i18n.js";
import { stepName } from "./steps.js";
import { ACTORS, RESULTS, title } from "./words.js";

/** @import { Activity, ActivityStep } from "../../contract.d.ts" */

/** @param {Activity} entry */
export function report(entry) {
  const { operation, actor } = entry;
  const lines = [title(entry), entry.time, actor ? t(ACTORS[actor.kind].began) : ""];
  if (operation) {
    const { status, seconds, error, modules } = operation;
    const result = t(RESULTS[status].word);
    lines.push(
      seconds === null ? result : `${result}, ${duration(seconds)}`,
      modules.join(", "),
      error ? `${error.code}: ${error.message}` : "",
      "",
      ...operation.steps.map(stepLine),
    );
  } else lines.push(entry.text);
  return `${lines.filter((line, index) => line || lines[index + 1]).join("\n")}\n`;
}

/** @param {ActivityStep} step */
function stepLine(step) {
  const began = step.began === null ? "" : `+${step.began.toFixed(1)} s`;
  const took = step.seconds === null ? "" : `${step.seconds.toFixed(1)} s`;
  const where = [step.module, step.service].filter(Boolean).join("/");
  return [began.padStart(9), took.padStart(9), step.status.padEnd(8), where, stepName(step)].join("  ");
}
