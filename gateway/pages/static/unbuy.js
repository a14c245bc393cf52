// Keeps an order's page fresh. Everything works without it.
(() => {
  "use strict";
  const locale = document.documentElement.lang;
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: "always" });
  const main = document.querySelector("main");
  const news = document.getElementById("news");
  const heard = document.getElementById("heard");
  let typed = false;

  const countDown = () => {
    if (main.querySelector(".demo")) return; // its time is not ours
    for (const time of main.querySelectorAll("time[data-until]")) {
      const seconds = (new Date(time.dateTime) - Date.now()) / 1000;
      const [size, unit] = [[86400, "day"], [3600, "hour"], [60, "minute"]].find(
        ([size]) => Math.abs(seconds) >= size) || [60, "minute"];
      time.textContent = relative.format(Math.trunc(seconds / size), unit);
    }
  };

  const refresh = async () => {
    const answer = await fetch(main.dataset.page, { headers: { Accept: "text/html" } });
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    const open = [...main.querySelectorAll("details[open] > summary")].map((it) => it.id);
    const focused = main.contains(document.activeElement) && document.activeElement.id;
    const told = main.querySelector(".done, .alert");
    main.dataset.seen = fresh.querySelector("main").dataset.seen;
    main.replaceChildren(...fresh.querySelector("main").childNodes);
    if (told) main.prepend(told);
    for (const id of open) {
      const summary = document.getElementById(id);
      if (summary) summary.parentElement.open = true;
    }
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
    heard.textContent = document.title = fresh.title;
    typed = false;
    news.hidden = true;
    countDown();
  };

  if (!main.dataset.page) return;
  document.addEventListener("input", () => { typed = true; });
  news.querySelector("button").addEventListener("click", refresh);
  new EventSource(`${main.dataset.page}/changes`).addEventListener("order", (event) => {
    if (event.data === main.dataset.seen) return;
    main.dataset.seen = event.data;
    // What somebody is writing is not taken from under their hands.
    if (typed) news.hidden = false;
    else refresh();
  });
  setInterval(countDown, 30000);
  countDown();
})();
