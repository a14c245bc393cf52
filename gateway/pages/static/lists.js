// Keeps a list as it is now, and says so where it cannot. Everything works without it.
(() => {
  "use strict";
  const EVERY = 10000;
  const main = document.querySelector("main[data-live]");
  if (!main) return;
  const heard = document.getElementById("heard");
  let tag = "";
  let readAt = new Date();
  let typed = false;

  const say = (isLost) => {
    const lost = document.getElementById("lost");
    if (!lost || lost.hidden === !isLost) return;
    lost.querySelector("time").textContent = readAt.toLocaleTimeString(
      document.documentElement.lang, { hour: "2-digit", minute: "2-digit" });
    lost.hidden = !isLost;
  };

  const show = (fresh) => {
    const focused = main.contains(document.activeElement) && document.activeElement;
    const same = focused && (focused.id ? `#${CSS.escape(focused.id)}` : focused.href && `a[href="${CSS.escape(focused.getAttribute("href"))}"]`);
    const before = [...main.querySelectorAll("h2")].map((it) => it.textContent).join(", ");
    main.replaceChildren(...fresh.childNodes);
    if (same) main.querySelector(same)?.focus({ preventScroll: true });
    const after = [...main.querySelectorAll("h2")].map((it) => it.textContent).join(", ");
    if (after !== before) heard.textContent = after;
  };

  const look = async () => {
    if (document.hidden) return;
    try {
      const headers = tag ? { Accept: "text/html", "If-None-Match": tag } : { Accept: "text/html" };
      const answer = await fetch(main.dataset.page, { headers, cache: "no-store", redirect: "error" });
      if (!answer.ok && answer.status !== 304) throw new Error(answer.status);
      readAt = new Date();
      say(false);
      // What somebody is writing is not taken from under their hands.
      if (answer.status === 304 || typed) return;
      tag = answer.headers.get("ETag") || "";
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      show(page.querySelector("main"));
    } catch {
      say(true);
    }
  };

  document.addEventListener("input", () => { typed = true; });
  document.addEventListener("change", (event) => {
    if (event.target.matches(".search select")) event.target.form.requestSubmit();
  });
  document.addEventListener("visibilitychange", look);
  addEventListener("offline", () => say(true));
  addEventListener("online", look);
  setInterval(look, EVERY);
})();
