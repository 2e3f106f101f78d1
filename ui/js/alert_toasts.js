// @ts-check
/** Says at once that an alert began or is over, wherever the page is. */
import { invoke, on } from "./bridge.js";
import { showToast } from "./components/toast.js";
import { labelled } from "./format.js";
import { t } from "./i18n.js";

on("ai/rules/changed", async ({ alert: id, change }) => {
  if (id === null || change === "changed") return;
  const answer = await invoke("ai/rules/list", {});
  const alert = answer.success ? answer.data.alerts.find((one) => one.id === id) : null;
  if (!alert) return;
  if (change === "raised") showToast({ text: labelled(alert.title, alert.text), icon: "triangle-alert" });
  else showToast({ text: t("It is over: {title}", { title: alert.title }), icon: "circle-check" });
});
