// @ts-check
/** The support bundle: made on request, and where it is. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { invoke } from "../../base/bridge.js";
import { bytes } from "../../base/format.js";
import { t } from "../../base/i18n.js";
import { slice } from "../../base/store.js";
import { button } from "../../components/button.js";
import { copy } from "../../components/copy.js";
import { notice } from "../../components/notice.js";

/**
 * @import { SupportBundle } from "../../contract.d.ts"
 * @import { PageState } from "../../types.d.ts"
 */

const own = slice({ made: /** @type {SupportBundle|null} */ (null), isMaking: false, error: "" });

async function make() {
  own.set({ isMaking: true, error: "" });
  const answer = await invoke("ai/support/bundle", {});
  own.set({ isMaking: false, error: answer.success ? "" : answer.message });
  if (answer.success) own.set({ made: answer.data });
}

async function openFolder() {
  const answer = await invoke("ai/support/open", {});
  own.set({ error: answer.success ? "" : answer.message });
}

/** @param {PageState} page */
export function bundleButton({ connection }) {
  const { isMaking } = own.get();
  return button({
    text: isMaking ? t("Making the bundle…") : t("Support bundle"), icon: "file-archive",
    enabled: connection === "up" && !isMaking, run: make,
  });
}

export function bundleNotice() {
  const { made, error } = own.get();
  return html`
    ${error ? notice({ tone: "bad", title: made ? t("The folder can't be opened") : t("The support bundle isn't ready"), text: error }) : nothing}
    ${made ? ready(made) : nothing}`;
}

/** @param {SupportBundle} made */
const ready = (made) =>
  notice({
    tone: "ok", icon: "file-archive",
    title: t("The support bundle is ready ({size})", { size: bytes(made.size) }),
    text: html`<code>${made.file}</code><br>${t("Secrets were replaced. Look at the files before you send them.")}`,
    actions: html`
      ${button({ text: t("Copy path"), icon: "copy", run: () => copy(made.file) })}
      ${made.canOpen ? button({ text: t("Open folder"), icon: "folder-open", run: openFolder }) : nothing}`,
    close: button({ text: t("Dismiss"), icon: "x", kind: "quiet", size: "small", iconOnly: true, run: () => own.set({ made: null }) }),
  });
