// <local-time datetime="…Z">: the reader's own clock, UTC on hover. The cookie tells the server when the reader's day began.
document.cookie = `copydesk_minutes=${-new Date().getTimezoneOffset()};path=/;samesite=lax`;
window.copydeskTime = (iso, fine) => {
  const at = new Date(iso), today = at.toDateString() === new Date().toDateString();
  const time = at.toLocaleTimeString("en-GB") + (fine ? "." + String(at.getMilliseconds()).padStart(3, "0") : "");
  return today ? time : at.toLocaleDateString("en-GB", { day: "numeric", month: "short" }) + " " + time;
};
window.copydeskUtc = (iso) => iso.replace("T", " ").replace("Z", "") + " UTC";
customElements.define("local-time", class extends HTMLElement {
  static observedAttributes = ["datetime"];
  attributeChangedCallback(name, before, iso) {
    this.textContent = copydeskTime(iso, this.hasAttribute("fine"));
    this.title = copydeskUtc(iso);
  }
});
