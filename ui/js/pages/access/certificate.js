// @ts-check
/** A QR code, and how a device is made to trust the certificates of this installation. */
import { html, nothing, svg } from "../../../vendor/lit-html/lit-html.js";
import { confirm } from "../../base/actions.js";
import { t } from "../../base/i18n.js";
import { button } from "../../components/button.js";
import { copyButton } from "../../components/copy.js";
import { icon } from "../../components/icon.js";
import { codeOf, forgetCertificate } from "./list.js";

/** @import { Certificate } from "../../contract.d.ts" */

/** Light squares around a code, without which cameras don't find it. */
const MARGIN = 4;

/** White in the dark theme, too. @param {string} text @param {string} name what a reader hears */
export function code(text, name) {
  const found = codeOf(text);
  if (!found) return html`<div class="qr"></div>`;
  const side = found.size + 2 * MARGIN;
  return html`<div class="qr"><svg viewBox="${-MARGIN} ${-MARGIN} ${side} ${side}" role="img" aria-label=${name} shape-rendering="crispEdges">
    ${svg`<path d=${found.path}></path>`}</svg></div>`;
}

/** A fingerprint that goes on in the next line. @param {string} fingerprint */
export const breakable = (fingerprint) => fingerprint.replaceAll(":", ":\u200b");

/** @param {Certificate} certificate */
export const askToTrust = ({ name, fingerprint, guide }) => confirm({
  title: t("Let a device trust this computer"),
  text: t("Once for each phone or computer. Afterwards, it opens the modules without a warning."),
  more: () => html`<div class="trust-device">
    ${code(guide, guide)}
    <ol>
      <li>${t("Scan the code, or open this address on the device:")} <span class="mono">${guide}</span>${navigator.clipboard ? copyButton(guide, t("Copy address")) : nothing}</li>
      <li>${t("The page has the certificate and the steps for iPhone, Android, Windows, Mac and Linux.")}</li>
      <li>${t("Compare: the device shows the name {name} and this fingerprint:", { name })} <span class="mono small">${breakable(fingerprint)}</span></li>
    </ol></div>
    <p class="small muted trust-limit">${icon("shield-check", "ok")}${t("It can only vouch for .local names and private addresses, never for other web sites.")}</p>
    ${forgetButton()}`,
});

export const forgetButton = () => button({ text: t("Forget this certificate…"), kind: "link", run: askToForget });

const askToForget = () => confirm({
  title: t("Forget this certificate?"),
  text: t("All devices have to trust a new certificate before they open modules again."),
  more: html`<p>${t("Do this if somebody may have read the files of this computer. Modules that are open stay open.")}</p>`,
  action: t("Forget"), kind: "danger", run: () => void forgetCertificate(),
});
