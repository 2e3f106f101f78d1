// @ts-check
/** That the disk of the home folder is full, which an alert rule finds. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { timeAndDay } from "../../base/format.js";
import { t } from "../../base/i18n.js";
import { notice } from "../../components/notice.js";
import { alertList } from "../alerts/alerts.js";

export function roomNotice() {
  const full = alertList()?.alerts.find(({ kind, ended }) => kind === "home" && ended === null);
  if (!full) return nothing;
  const time = timeAndDay(new Date(full.begun * 1000).toISOString());
  return notice({
    tone: "bad", title: full.title,
    text: t("No logs have been kept since {time}, and settings can't be changed. Free some space on this disk.", { time }),
    actions: html`<a class="button plain" href="#settings/logs">${t("Delete kept logs…")}</a>`,
  });
}
