// @ts-check
/** The steps of an operation as a list. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { addressTo } from "../../base/address.js";
import { bytes, duration, exactTime, labelled } from "../../base/format.js";
import { mark, t } from "../../base/i18n.js";
import { slice } from "../../base/store.js";
import { button } from "../../components/button.js";
import { isJob, moduleTitle } from "./words.js";

/** @import { Activity, ActivityStep, StepKind, StepStatus } from "../../contract.d.ts" */

const FEW = 5;

const HEADS = [mark("Time"), mark("Module"), mark("Step"), mark("Duration"), mark("Result")];

const own = slice({ all: false });

/** @type {Record<StepKind, string>} */
const NAMES = {
  pull: mark("Download {name}"),
  build: mark("Build {name}"),
  network: mark("Create network {name}"),
  volume: mark("Create volume {name}"),
  create: mark("Create {name}"),
  start: mark("Start {name}"),
  wait: mark("Wait until {name} is ready"),
  stop: mark("Stop {name}"),
  remove: mark("Remove {name}"),
  remove_network: mark("Remove network {name}"),
  remove_volume: mark("Remove volume {name}"),
  kernel_setting: mark("Set {name} in the kernel"),
  clone: mark("Copy {name}"),
  dump: mark("Copy the database {name}"),
  pack: mark("Write {name} to the backup"),
  unpack: mark("Unpack {name}"),
  swap: mark("Replace {name}"),
  proof: mark("Check {name}"),
  trial: mark("Start {name} on a copy"),
  probe: mark("Check that {name} answers"),
  discard: mark("Remove the copy of {name}"),
};

const FINISHED = mark("Wait until {name} has finished");

/** @type {Record<StepStatus, {word: string, tone: string}>} */
const STATUSES = {
  done: { word: mark("Done"), tone: "ok" },
  failed: { word: mark("Failed"), tone: "bad" },
  skipped: { word: mark("Skipped"), tone: "muted" },
  running: { word: mark("Running"), tone: "busy" },
  pending: { word: mark("Pending"), tone: "muted" },
};

/** @param {ActivityStep} step */
export function stepName(step) {
  const isOfJob = step.kind === "wait" && isJob(step);
  return t(isOfJob ? FINISHED : NAMES[step.kind], { name: step.service ?? step.subject });
}

/** What failed or runs comes first, then the newest. @param {ActivityStep} a @param {ActivityStep} b */
const order = (a, b) => rank(a) - rank(b) || (b.began ?? -1) - (a.began ?? -1);
/** @param {ActivityStep} step */
const rank = ({ status }) => ["failed", "running"].indexOf(status) >>> 0;

/** @param {Activity} entry */
export function stepList({ time, operation }) {
  const steps = operation?.steps ?? [];
  if (!steps.length) return nothing;
  const { all } = own.get();
  const sorted = all ? steps : [...steps].sort(order).slice(0, FEW);
  const begin = Date.parse(time);
  return html`
    <section class="card" aria-labelledby="steps">
      <div class="card-head">
        <h3 id="steps">${t("Steps")}</h3><span class="muted control num">${steps.length}</span><span class="grow"></span>
        ${steps.length > FEW ? button({
          text: all ? t("Fewer steps") : t("All steps"), kind: "quiet", size: "small", run: () => own.set({ all: !all }),
        }) : nothing}
      </div>
      <table class="table fixed steps" aria-labelledby="steps">
        <thead><tr>${HEADS.map((head) => html`<th scope="col"><span class="unseen">${t(head)}</span></th>`)}</tr></thead>
        <tbody>${sorted.map((step) => row(step, begin))}</tbody>
      </table>
    </section>`;
}

/** When it began, with what the service wrote then. @param {ActivityStep} step @param {number} begin */
function timeOf({ began, module, service }, begin) {
  if (began === null) return "";
  const at = new Date(begin + began * 1000).toISOString();
  if (!module || !service) return exactTime(at);
  const address = addressTo("logs", [module], { service, at });
  return html`<a href="#${address}" aria-label=${labelled(t("Logs of {name}", { name: service }), exactTime(at))}
    title=${t("Logs of {name}", { name: service })}>${exactTime(at)}</a>`;
}

/** @param {ActivityStep} step @param {number} begin */
function row(step, begin) {
  const { word, tone } = STATUSES[step.status];
  const name = stepName(step);
  return html`
    <tr>
      <td class="num muted">${timeOf(step, begin)}</td>
      <td class="strong">${step.module ? moduleTitle(step.module) : ""}</td>
      <td title=${step.subject}>${name}${step.total ? html` <span class="muted">${bytes(step.total)}</span>` : nothing}</td>
      <td class="r muted">${step.seconds === null ? "" : duration(step.seconds)}</td>
      <td class="r ${tone}">${t(word)}</td>
    </tr>`;
}
