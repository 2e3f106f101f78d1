// @ts-check
import { html, nothing } from "../../vendor/lit-html/lit-html.js";

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
