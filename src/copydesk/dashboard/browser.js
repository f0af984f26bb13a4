// What the reader's browser knows better than the server: its clock, and how its language writes numbers and times.
document.cookie = `copydesk_minutes=${-new Date().getTimezoneOffset()};path=/;samesite=lax`;

window.copydeskChoose = (what, value) => {
  document.cookie = `copydesk_${what}=${value};path=/;samesite=lax;max-age=31536000`;
  location.reload();
};

const language = () => document.documentElement.lang || "en-GB";
const today = (at) => at.toDateString() === new Date().toDateString();

window.copydeskTime = (iso, fine) => {
  const at = new Date(iso);
  const time = at.toLocaleTimeString(language()) + (fine ? "." + String(at.getMilliseconds()).padStart(3, "0") : "");
  return today(at) ? time : at.toLocaleDateString(language(), { day: "numeric", month: "short" }) + " " + time;
};
window.copydeskUtc = (iso) => iso.replace("T", " ").replace("Z", "") + " UTC";
window.copydeskAxisTime = (value) => {
  const at = new Date(value);
  return at.getHours() || at.getMinutes() || today(at)
    ? at.toLocaleTimeString(language(), { hour: "2-digit", minute: "2-digit" })
    : at.toLocaleDateString(language(), { day: "numeric", month: "short" });
};
window.copydeskSince = (iso) => {
  const seconds = Math.max(0, (Date.now() - new Date(iso)) / 1000);
  const [size, unit] = [[86400, "day"], [3600, "hour"], [60, "minute"], [1, "second"]].find(([size]) => seconds >= size) || [1, "second"];
  return new Intl.NumberFormat(language(), { style: "unit", unit, unitDisplay: "short" }).format(Math.floor(seconds / size));
};
window.copydeskNumber = (value, unit, digits) => {
  if (value === null || value === undefined || value === "" || isNaN(value)) return "";
  // "negative": what rounds to nothing is written without a sign.
  const limits = digits === undefined ? { maximumFractionDigits: 10 } : { minimumFractionDigits: digits, maximumFractionDigits: digits, signDisplay: "negative" };
  return Number(value).toLocaleString(language(), limits) + (unit ? " " + unit : "");
};

// A table's cell that leads to the address in another field of its row.
window.copydeskLink = (cell, field) => {
  const text = cell.valueFormatted ?? cell.value ?? "";
  if (!cell.data[field]) return document.createTextNode(text);
  const link = document.createElement("a");
  link.href = cell.data[field];
  link.textContent = text;
  return link;
};

// Points at the end of a chart's series, by id: only they come over the wire.
window.copydeskAdd = (element, added, most) => {
  const chart = getElement(element)?.chart;
  if (!chart) return;
  const series = chart.getOption().series.filter((one) => added[one.id]);
  chart.setOption({ series: series.map((one) => ({ id: one.id, data: one.data.concat(added[one.id]).slice(-most) })) });
};

class Clock extends HTMLElement {
  static observedAttributes = ["datetime"];
  attributeChangedCallback() {
    this.tell();
  }
}
// <local-time datetime="…Z">: the reader's own clock, UTC on hover.
customElements.define("local-time", class extends Clock {
  tell() {
    const iso = this.getAttribute("datetime");
    this.textContent = copydeskTime(iso, this.hasAttribute("fine"));
    this.title = copydeskUtc(iso);
  }
});
// <time-since datetime="…Z">: how long ago, counting on; both clocks on hover.
customElements.define("time-since", class extends Clock {
  connectedCallback() {
    this.ticking = setInterval(() => this.tell(), 1000);
  }
  disconnectedCallback() {
    clearInterval(this.ticking);
  }
  tell() {
    const iso = this.getAttribute("datetime");
    const text = copydeskSince(iso);
    if (this.textContent !== text) this.textContent = text;
    this.title = `${copydeskTime(iso)} · ${copydeskUtc(iso)}`;
  }
});

// <signal-list rows="[…]">: a row that is there already stays where it is, so that nobody who is on it with the keyboard loses it.
const made = (tag, classes, text) => Object.assign(document.createElement(tag), { className: classes, textContent: text ?? "" });
customElements.define("signal-list", class extends HTMLElement {
  static observedAttributes = ["rows"];
  attributeChangedCallback(name, before, rows) {
    const known = new Map([...this.children].map((link) => [link.getAttribute("href"), link]));
    const links = JSON.parse(rows || "[]").map((row) => this.link(row, known.get(row.way) || made("a", "nicegui-link")));
    [...this.children].forEach((link) => links.includes(link) || link.remove());
    links.forEach((link, place) => this.children[place] === link || this.insertBefore(link, this.children[place] || null));
  }
  link(row, link) {
    const says = JSON.stringify(row);
    if (link.says === says) return link;
    link.says = says;
    link.setAttribute("href", row.way);
    const at = made("local-time", "muted end");
    at.setAttribute("datetime", row.at);
    const top = made("div", "line one");
    top.append(made("div", "strong clip", row.action), made("div", "muted small clip", row.bot), at);
    link.replaceChildren(top);
    if (row.fared) {
      const bar = made("div", "bar grow");
      bar.setAttribute("aria-hidden", "true");
      bar.append(...row.shares.map(([status, count]) => Object.assign(made("i", status), { style: `flex: ${count}` })));
      const told = made("div", "line one");
      told.append(bar, made("div", "small muted", row.fared));
      link.append(told);
    }
    return link;
  }
});
