// What a page gains from JavaScript: the reader's own time zone, figures that stay current, read-outs, brushing.
// Everything can be read without it.

/**
 * A row of the scores document, as far as it is used here.
 * @typedef {{id: string, status: string, since: string, score: number | null, confidence: [number, number] | null,
 *   measured_at: string | null}} ScoreRow
 */

const GLYPHS = new Map(
  Object.entries({ up: "●", degraded: "◐", down: "✕", unknown: "○", maintenance: "◇", paused: "‖" }),
);
const REFRESH_MS = 30_000;
const POLL_MS = 15_000;
const SOON_MS = 1_500;
const LOOK_MS = 10_000;
const PATIENCE_MS = 8_000;
const GONE_AFTER_S = 3;
/** One of the two clocks was set. */
const STEP_MS = 60_000;

// Addresses begin with the origin: relative ones inherit a password that the reader typed into the address bar, and
// `fetch` refuses those.
const mode = document.body.dataset.live ?? "none";
const zone = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const dated = new Intl.DateTimeFormat(undefined, {
  month: "short",
  day: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  hourCycle: "h23",
});

/** The server's clock minus this machine's, in milliseconds: ages do not depend on the reader's clock. */
let clockMs = document.body.dataset.made ? Date.parse(document.body.dataset.made) - Date.now() : 0;
let contactMs = performance.now();
let isGone = false;
let isStreaming = false;
let refreshedMs = performance.now();
/** @type {number | undefined} */
let planned;

/** @param {number} seconds */
function span(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  for (const [unit, size] of /** @type {const} */ ([["d", 86400], ["h", 3600], ["min", 60]])) {
    if (whole >= size) return `${Math.floor(whole / size)} ${unit}`;
  }
  return `${whole} s`;
}

/** @param {Date} at */
function local(at) {
  const now = new Date(Date.now() + clockMs);
  return at.toDateString() === now.toDateString() ? zone.format(at) : dated.format(at);
}

/** Times in the reader's zone; UTC stays in the title. @param {ParentNode} inside */
function localise(inside) {
  for (const element of inside.querySelectorAll("time[datetime]")) {
    const time = /** @type {HTMLTimeElement} */ (element);
    if (time.dataset.age === undefined) time.textContent = local(new Date(time.dateTime));
  }
  showAges();
}

function showAges() {
  for (const element of document.querySelectorAll("time[data-age]")) {
    const time = /** @type {HTMLTimeElement} */ (element);
    const words = span((Date.now() + clockMs - Date.parse(time.dateTime)) / 1000);
    const shown = time.dataset.age === "for" ? `for ${words}` : `${words} ago`;
    if (time.textContent !== shown) time.textContent = shown;
  }
}

/** What the server says of its time may be seconds old, never ahead: the latest is right. @param {string} iso */
function tellTime(iso) {
  const offsetMs = Date.parse(iso) - Date.now();
  clockMs = Math.abs(offsetMs - clockMs) > STEP_MS ? offsetMs : Math.max(offsetMs, clockMs);
}

/** The daemon has answered. */
function contact() {
  contactMs = performance.now();
  if (!isGone) return;
  isGone = false;
  plan(0);
  showState();
}

function showState() {
  const banner = document.getElementById("gone");
  const silentS = (performance.now() - contactMs) / 1000;
  if (banner !== null) {
    banner.hidden = !(isGone && silentS >= GONE_AFTER_S);
    const age = document.querySelector("#fresh time[data-age]")?.textContent;
    const words = `The daemon has not answered for ${span(silentS)}.`;
    const shown = age ? `${words} The figures below were measured ${age}.` : words;
    if (!banner.hidden && banner.textContent !== shown) banner.textContent = shown;
  }
  const fresh = document.getElementById("fresh");
  fresh?.classList.toggle("live", !isGone && (isStreaming || mode === "poll"));
  fresh?.classList.toggle("gone", isGone);
  const word = document.getElementById("live-word");
  if (word !== null) word.textContent = isGone ? "not connected, " : isStreaming ? "live, " : "";
}

/** @param {ScoreRow} row */
function showRow(row) {
  const line = document.querySelector(`tr[data-endpoint="${CSS.escape(row.id)}"]`);
  const state = line?.querySelector('[data-field="status"] .st');
  const newest = /** @type {HTMLTimeElement | null} */ (document.querySelector("#fresh time[data-age]"));
  if (newest !== null && row.measured_at !== null && Date.parse(row.measured_at) > Date.parse(newest.dateTime)) {
    newest.dateTime = row.measured_at;
    newest.title = `${row.measured_at.slice(0, 19).replace("T", " ")} UTC`;
  }
  if (!line || !state) return;
  if (!state.classList.contains(row.status)) {
    state.className = `st ${row.status}`;
    state.lastChild?.replaceWith(row.status);
    const glyph = state.firstElementChild;
    if (glyph !== null) glyph.textContent = GLYPHS.get(row.status) ?? "";
    plan(SOON_MS);
  }
  showScore(line, row);
}

/** @param {Element} line @param {ScoreRow} row */
function showScore(line, row) {
  const text = line.querySelector('[data-field="score"] b');
  const dot = line.querySelector('[data-field="score"] .dot');
  if (text === null || dot === null || row.score === null) return;
  const shown = floored(row.score);
  if (text.textContent === shown) return;
  text.textContent = shown;
  const interval = text.nextSibling;
  if (interval !== null && row.confidence !== null) {
    interval.textContent = ` [${floored(row.confidence[0])}, ${floored(row.confidence[1])}]`;
  }
  const track = line.querySelector('[data-field="score"] .track');
  const left = Number(track?.getAttribute("x"));
  dot.setAttribute("cx", String(left + row.score * Number(track?.getAttribute("width"))));
}

/** Two decimals, rounded down, as the page shows them. @param {number} value */
function floored(value) {
  return (Math.floor(value * 100 + 1e-9) / 100).toFixed(2);
}

/** Ask for the page again after a while. @param {number} waitMs */
function plan(waitMs) {
  clearTimeout(planned);
  planned = setTimeout(() => void refresh(), waitMs);
}

/** Ask for this page again, and take over what has changed. */
async function refresh() {
  refreshedMs = performance.now();
  /** @type {Response} */
  let response;
  try {
    response = await fetch(location.href, {
      headers: { Accept: "text/html" },
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
  } catch {
    lost();
    return;
  }
  contact();
  if (!response.ok) return;
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
  const made = fresh.body.dataset.made;
  if (made) tellTime(made);
  takeOver(fresh);
  localise(document);
}

/** @param {Document} fresh */
function takeOver(fresh) {
  for (const part of document.querySelectorAll("[data-part], #fresh > time")) {
    replace(part, part.id ? fresh.getElementById(part.id) : fresh.querySelector("#fresh > time"));
  }
  const lines = [...document.querySelectorAll("tr[data-endpoint]")];
  const others = [...fresh.querySelectorAll("tr[data-endpoint]")];
  const isSame = lines.length === others.length && lines.every((line, place) => key(line) === key(others[place]));
  if (!isSame) {
    const sheet = document.querySelector(".sheet");
    if (sheet !== null) replace(sheet, fresh.querySelector(".sheet"));
    return;
  }
  lines.forEach((line, place) => replace(line, others[place] ?? null));
}

/** @param {Element | undefined} line */
function key(line) {
  return line?.getAttribute("data-endpoint");
}

/** @param {Element} old @param {Element | null} fresh */
function replace(old, fresh) {
  if (fresh === null || old.contains(document.activeElement) || old.matches(":hover")) return;
  if (old.outerHTML !== fresh.outerHTML) old.replaceWith(document.importNode(fresh, true));
}

/** The daemon did not answer. */
function lost() {
  if (isGone) return;
  isGone = true;
  showState();
}

/** Whether the daemon answers, where nothing else has shown it for a while. */
async function look() {
  if (performance.now() - contactMs < LOOK_MS && !isGone) return;
  try {
    await fetch(`${location.origin}/healthz`, { signal: AbortSignal.timeout(PATIENCE_MS), cache: "no-store" });
    contact();
  } catch {
    lost();
  }
}

function follow() {
  const source = new EventSource(`${location.origin}/v1/scores/stream`);
  /** @param {Event} event */
  const take = (event) => {
    contact();
    isStreaming = true;
    const message = /** @type {MessageEvent<string>} */ (event);
    /** @type {{generated_at: string, endpoints: ScoreRow[]}} */
    const scores = JSON.parse(message.data);
    tellTime(scores.generated_at);
    scores.endpoints.forEach(showRow);
    showAges();
    showState();
  };
  source.addEventListener("snapshot", take);
  source.addEventListener("change", take);
  source.addEventListener("error", () => {
    isStreaming = false;
    if (source.readyState === EventSource.CONNECTING) lost();
    else setTimeout(follow, LOOK_MS);
  });
}

/** What a mark of a chart says, beside the pointer. */
function readOuts() {
  const box = document.createElement("div");
  box.id = "readout";
  box.hidden = true;
  document.body.append(box);
  /** @type {Element | null} */
  let marked = null;
  /** The mark's own title, taken away meanwhile so that the browser does not show it, too. @type {Element | null} */
  let title = null;
  const leave = () => {
    if (marked !== null && title !== null) marked.prepend(title);
    marked = title = null;
    box.hidden = true;
  };
  document.addEventListener("pointermove", (event) => {
    const target = /** @type {Element | null} */ (event.target)?.closest?.("[data-x]") ?? null;
    if (target !== marked) {
      leave();
      if (target === null) return;
      marked = target;
      title = target.querySelector(":scope > title");
      box.textContent = words(target, title?.textContent ?? "");
      title?.remove();
      box.hidden = false;
    }
    if (!box.hidden) place(box, event.clientX, event.clientY);
  });
  document.addEventListener("pointerleave", leave);
  document.addEventListener("scroll", leave, { passive: true, capture: true });
}

/** The title of a mark with its time in the reader's zone. @param {Element} mark @param {string} title */
function words(mark, title) {
  const [, ...rest] = title.split(" · ");
  const at = new Date(mark.getAttribute("data-x") ?? "");
  if (Number.isNaN(at.getTime())) return title.replaceAll(" · ", "\n");
  return [dated.format(at), ...rest].join("\n");
}

/** @param {HTMLElement} box @param {number} x @param {number} y */
function place(box, x, y) {
  const { offsetWidth: width, offsetHeight: height } = box;
  const left = Math.min(Math.max(x - width / 2, 4), innerWidth - width - 4);
  const top = y - height - 14 < 4 ? y + 18 : y - height - 14;
  box.style.left = `${left}px`;
  box.style.top = `${top}px`;
}

/** Dragging across a chart over time opens the page with that span: `?from=&to=`. */
function brushing() {
  /** @type {{chart: SVGSVGElement, x: number, mark: SVGRectElement} | null} */
  let drag = null;
  document.addEventListener("pointerdown", (event) => {
    const target = /** @type {Element | null} */ (event.target);
    const chart = /** @type {SVGSVGElement | null} */ (target?.closest?.("[data-brush] svg.chart") ?? null);
    if (chart === null || event.button !== 0 || event.pointerType === "touch") return;
    const mark = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    mark.setAttribute("class", "brush");
    chart.append(mark);
    drag = { chart, x: event.clientX, mark };
    event.preventDefault();
  });
  document.addEventListener("pointermove", (event) => {
    if (drag === null) return;
    const box = drag.chart.getBoundingClientRect();
    const scale = drag.chart.viewBox.baseVal.width / box.width;
    const [left, right] = [Math.min(drag.x, event.clientX), Math.max(drag.x, event.clientX)];
    drag.mark.setAttribute("x", String((left - box.left) * scale));
    drag.mark.setAttribute("width", String((right - left) * scale));
    drag.mark.setAttribute("height", String(drag.chart.viewBox.baseVal.height));
  });
  document.addEventListener("pointerup", (event) => {
    if (drag === null) return;
    const { chart, x, mark } = drag;
    drag = null;
    mark.remove();
    const times = between(chart, Math.min(x, event.clientX), Math.max(x, event.clientX));
    const [from, to] = [times[0], times.at(-1)];
    if (from === undefined || to === undefined || from === to) return;
    const address = new URL(location.href);
    address.searchParams.set("from", from);
    address.searchParams.set("to", to);
    location.assign(address);
  });
}

/** The times of the marks within a span of the window, sorted. @param {Element} chart @param {number} left @param {number} right */
function between(chart, left, right) {
  const inside = [...chart.querySelectorAll("[data-x]")].filter((mark) => {
    const box = mark.getBoundingClientRect();
    const middle = box.left + box.width / 2;
    return left <= middle && middle <= right;
  });
  return inside.map((mark) => mark.getAttribute("data-x") ?? "").sort();
}

localise(document);
const zoneWords = document.getElementById("zone");
if (zoneWords !== null) zoneWords.textContent = "Times are yours; point at one for UTC.";
readOuts();
brushing();
if (mode !== "none") {
  if (mode === "stream") follow();
  setInterval(() => {
    showAges();
    showState();
  }, 1000);
  setInterval(() => void look(), LOOK_MS / 2);
  setInterval(() => {
    const wait = mode === "poll" ? POLL_MS : REFRESH_MS;
    if (document.visibilityState === "visible" && performance.now() - refreshedMs >= wait) void refresh();
  }, 1000);
}
