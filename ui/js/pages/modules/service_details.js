// @ts-check
/** What the engine says of a service's container, on request. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { dateTime } from "../../base/format.js";
import { t } from "../../base/i18n.js";
import { copyButton } from "../../components/copy.js";

/** @import { HealthCheck, ServiceDetails } from "../../contract.d.ts" */

/** @param {string} name @param {ServiceDetails} details */
export const serviceDetails = (name, details) => html`
  <div class="inspected" role="group" aria-label=${t("Details of {name}", { name })}>
    <div>${facts(details)}</div>
    <div>
      ${details.lastCheck ? check(details.lastCheck) : nothing}
      ${list(t("Mounts"), details.mounts.map(({ source, kind, target, readOnly }) =>
        `${source || kind} → ${target}${readOnly ? ` (${t("read-only")})` : ""}`))}
      ${list(t("Environment (names only)"), details.environment)}
    </div>
  </div>`;

/** @param {ServiceDetails} details */
const facts = (details) => html`
  <dl>
    ${fact(t("Started"), moment(details.startedAt))} ${fact(t("Stopped"), moment(details.finishedAt))}
    ${fact(t("Created"), moment(details.createdAt))}
    ${fact(t("Last exit code"), details.finishedAt ? details.exitCode : nothing)}
    ${details.outOfMemory ? fact(t("Memory"), html`<span class="bad">${t("ran out of memory")}</span>`) : nothing}
    ${details.error ? fact(t("Error"), html`<span class="bad text">${details.error}</span>`) : nothing}
    ${fact(t("Container"), id(details.id))} ${fact(t("Image"), id(details.imageId.replace("sha256:", "")))}
  </dl>`;

/** @param {string} text @param {unknown} value */
const fact = (text, value) => (value === nothing ? nothing : html`<dt>${text}</dt><dd class="num">${value}</dd>`);

/** @param {string|null} time */
const moment = (time) => (time ? dateTime(time) : nothing);

/** @param {string} whole */
const id = (whole) => html`<span class="mono">${whole.slice(0, 12)}</span>${copyButton(whole, t("Copy ID"))}`;

/** @param {HealthCheck} last */
const check = ({ output, exitCode, endedAt }) => html`
  <h3>${exitCode === 0 ? t("Last health check: passed") : t("Last health check: failed ({code})", { code: exitCode })}
    <span class="faint num">${moment(endedAt)}</span></h3>
  <pre class="text">${output || t("No output.")}</pre>`;

/** @param {string} title @param {string[]} items */
const list = (title, items) =>
  items.length ? html`<h3>${title}</h3><ul class="mono text">${items.map((item) => html`<li>${item}</li>`)}</ul>` : nothing;
