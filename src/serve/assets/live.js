// Shows what has changed: the page is asked for again, and its content exchanged. Without this file pages refresh by
// themselves. Whoever writes into a form is not disturbed.
"use strict";
(() => {
  const live = document.getElementById("live");
  const say = (words) => { if (live.textContent !== words) live.textContent = words; };
  let waits = false;
  let again = false;
  const isBusy = () => {
    const at = document.activeElement;
    return at && /^(INPUT|TEXTAREA|SELECT)$/.test(at.tagName);
  };
  async function refresh() {
    if (waits) { again = true; return; }
    waits = true;
    try {
      const answer = await fetch(location.href, { headers: { accept: "text/html" } });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById("main");
      const main = document.getElementById("main");
      if (answer.ok && fresh && !isBusy() && main.innerHTML !== fresh.innerHTML) {
        const at = document.activeElement;
        const focus = at && main.contains(at) ? at.getAttribute("href") || at.getAttribute("aria-label") : null;
        main.replaceChildren(...fresh.childNodes);
        if (focus) {
          const name = CSS.escape(focus);
          const back = main.querySelector(`[href="${name}"], [aria-label="${name}"]`);
          if (back) back.focus({ preventScroll: true });
        }
      }
    } catch { /* The next change asks again. */ }
    setTimeout(() => { waits = false; if (again) { again = false; refresh(); } }, 500);
  }
  let source;
  const listen = () => {
    source = new EventSource("/live");
    source.addEventListener("changed", refresh);
    source.addEventListener("ended", () => { waits = false; refresh(); });
    source.addEventListener("open", () => { say("live"); });
    source.addEventListener("error", () => { say("not connected"); });
  };
  // A page that was left may be kept for the way back, and would keep one of the few connections to this server.
  addEventListener("pagehide", () => { source.close(); });
  addEventListener("pageshow", (event) => { if (event.persisted) { listen(); refresh(); } });
  listen();
})();
