// @ts-check
import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { percent } from "../base/format.js";
import { t } from "../base/i18n.js";

/**
 * A bar of parts of a whole.
 * @param {{label: string, parts: {share: number, colour?: string, title?: string}[],
 *   size?: "thin"|"thick", moving?: true}} options `share`: from 0 to 1
 */
export const meter = ({ label, parts, size, moving }) => html`
  <div class="meter ${size ?? ""} ${moving ? "go" : ""}" role="img" aria-label=${label}>
    ${parts.map(({ share, colour, title }) => html`
      <i .style=${`width: ${(Math.min(1, share) * 100).toFixed(2)}%${colour ? `; --hue: ${colour}` : ""}`}
        title=${title ?? nothing}></i>`)}
  </div>`;

/** @param {string} label @param {number} share from 0 to 1 */
export const progress = (label, share) => html`
  <div class="meter" role="progressbar" aria-label=${label} aria-valuemin="0" aria-valuemax="100"
    aria-valuenow=${Math.round(share * 100)}>
    <i .style=${`width: ${(Math.min(1, share) * 100).toFixed(2)}%`}></i>
  </div>`;

/** How far something is. @param {number} done from 0 to 1 */
export const ring = (done) => html`
  <div class="ring" role="progressbar" aria-label=${t("Progress")} aria-valuemin="0" aria-valuemax="100" aria-valuenow=${Math.round(done * 100)}>
    <svg viewBox="0 0 60 60" aria-hidden="true"><circle class="ring-ground" cx="30" cy="30" r="26"></circle>
      <circle class="ring-done" cx="30" cy="30" r="26" transform="rotate(-90 30 30)" pathLength="100"
        stroke-dasharray="${Math.round(done * 100)} 100"></circle></svg>
    <b>${percent(done)}</b>
  </div>`;
