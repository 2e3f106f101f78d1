// @ts-check
/** The next steps that a check offers, as buttons. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import * as actions from "../../actions.js";
import { go } from "../../address.js";
import { invoke } from "../../bridge.js";
import { button } from "../../components/button.js";
import { labelled } from "../../format.js";
import { t } from "../../i18n.js";
import { slice } from "../../store.js";
import { nameOf } from "./words.js";

/**
 * @import { Check, Remedy } from "../../contract.d.ts"
 * @import { Answer, PageState } from "../../types.d.ts"
 */

const own = slice({
  /** the message of the check whose remedy is applied */
  busy: "",
  failed: /** @type {{key: string, message: string}|null} */ (null),
});

/** @param {Check} check @param {PageState} page @param {() => void} again checks again */
export function remedyButtons(check, page, again) {
  // Checking again is a button of the page.
  const remedies = check.remedies.filter(({ kind }) => kind !== "retry");
  if (!remedies.length) return nothing;
  const key = check.message;
  const { busy, failed } = own.get();
  return html`
    <div class="buttons">${remedies.map((remedy, index) => button({
      text: remedy.text, name: labelled(remedy.text, nameOf(check.name)), kind: index ? "plain" : "primary",
      enabled: page.connection === "up" && !busy, run: () => apply(remedy, key, again),
    }))}</div>
    ${failed?.key === key ? html`<p class="bad" role="alert">${failed.message}</p>` : nothing}`;
}

/** @param {Remedy} remedy @param {string} key @param {() => void} again */
function apply(remedy, key, again) {
  const { kind, text, setting = "", value = "", question, module = "", service = "", hash = "", page = "" } = remedy;
  const then = async (/** @type {Promise<Answer<unknown>>} */ asked) => {
    own.set({ busy: key, failed: null });
    const answer = await asked;
    own.set({ busy: "", failed: answer.success ? null : { key, message: answer.message } });
    if (answer.success) again();
  };
  const set = () => then(invoke("ai/config/set", { name: setting, value }));
  if (kind === "set" && question) actions.confirm({ title: text, text: question, action: text, run: set });
  else if (kind === "set") set();
  else if (kind === "trust") {
    actions.confirm({
      title: t("Trust this module?"), text: permissions(remedy), action: t("Trust"),
      run: () => then(invoke("ai/module/trust", { name: module, hash })),
    });
  } else if (kind === "start_engine") actions.startEngine().then(again);
  else if (kind === "restart") then(invoke("ai/operation/start", { kind: "restart", modules: [module], untilEnd: true }));
  else go(placeOf({ kind, setting, module, service, page }));
}

/** @param {{kind: string, setting: string, module: string, service: string, page: string}} remedy */
function placeOf({ kind, setting, module, service, page }) {
  if (kind === "logs") return `logs/${encodeURIComponent(module)}?${new URLSearchParams({ service })}`;
  if (kind === "open") return page;
  const [owner = "", name = ""] = setting.split(".", 2);
  return owner === "app" ? "settings" : `modules/${encodeURIComponent(owner)}/settings?${new URLSearchParams({ find: name })}`;
}

/** @param {Remedy} remedy Each permission on its own line. */
const permissions = ({ module, permissions: wanted = [] }) =>
  [t("{module} may then:", { module }), ...wanted.map(({ text }) => `– ${text}`)].join("\n");
