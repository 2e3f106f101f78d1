// @ts-check
/** The support bundle: made on request, and where it is. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import * as actions from "../../actions.js";
import { button } from "../../components/button.js";
import { copy } from "../../components/copy.js";
import { notice } from "../../components/notice.js";
import { size } from "../../format.js";
import { t } from "../../i18n.js";
import { slice } from "../../store.js";

/**
 * @import { SupportBundle } from "../../contract.d.ts"
 * @import { PageState } from "../../types.d.ts"
 */

const KEY = "support bundle";

const own = slice({ made: /** @type {SupportBundle|null} */ (null) });

async function make() {
  const answer = await actions.ask(KEY, "ai/support/bundle", {});
  if (answer.success) own.set({ made: answer.data });
}

/** @param {PageState} page */
export function bundleButton({ asked, connection }) {
  const isMaking = asked.has(KEY);
  return button({
    text: isMaking ? t("Making the bundle…") : t("Support bundle"), icon: "file-archive",
    enabled: connection === "up" && !isMaking, run: make,
  });
}

export function bundleNotice() {
  const { made } = own.get();
  if (!made) return nothing;
  return notice({
    tone: "ok", icon: "file-archive",
    title: t("The support bundle is ready ({size})", { size: size(made.size) }),
    text: html`<code>${made.file}</code><br>${t("Secrets were replaced. Look at the files before you send them.")}`,
    actions: html`
      ${button({ text: t("Copy path"), icon: "copy", run: () => copy(made.file) })}
      ${made.canOpen ? button({ text: t("Open folder"), icon: "folder-open", run: () => actions.ask(KEY, "ai/support/open", {}) }) : nothing}`,
    close: button({ text: t("Dismiss"), icon: "x", kind: "quiet", size: "small", iconOnly: true, run: () => own.set({ made: null }) }),
  });
}
