// @ts-check
/** Says at once that an alert began or is over, wherever the page is. */
import { invoke, on } from "./base/bridge.js";
import { labelled } from "./base/format.js";
import { t } from "./base/i18n.js";
import { showToast } from "./components/toast.js";

on("ai/rules/changed", async ({ alert: id, change }) => {
  if (id === null || change === "changed") return;
  const answer = await invoke("ai/rules/list", {});
  const alert = answer.success ? answer.data.alerts.find((one) => one.id === id) : null;
  if (!alert) return;
  if (change === "raised") showToast({ text: labelled(alert.title, alert.text), icon: "triangle-alert" });
  else showToast({ text: t("It is over: {title}", { title: alert.title }), icon: "circle-check" });
});
