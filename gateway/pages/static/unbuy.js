// Keeps an order's page fresh. Everything works without it.
(() => {
  "use strict";
  const locale = document.documentElement.lang;
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: "always" });
  const news = document.getElementById("news");
  let typed = false;

  const countDown = () => {
    const clock = document.querySelector("main .demo");
    if (clock) return; // its time is not ours
    for (const time of document.querySelectorAll("time[data-until]")) {
      const seconds = (new Date(time.dateTime) - Date.now()) / 1000;
      const [size, unit] = [[86400, "day"], [3600, "hour"], [60, "minute"]].find(
        ([size]) => Math.abs(seconds) >= size) || [60, "minute"];
      time.textContent = relative.format(Math.trunc(seconds / size), unit);
    }
  };

  const refresh = async () => {
    const answer = await fetch(location.pathname, { headers: { Accept: "text/html" } });
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    const old = document.querySelector("main");
    const open = [...old.querySelectorAll("details[open] > summary")].map((it) => it.textContent);
    old.dataset.seen = fresh.querySelector("main").dataset.seen;
    old.replaceChildren(...fresh.querySelector("main").childNodes);
    document.title = fresh.title;
    for (const it of old.querySelectorAll("details > summary")) {
      if (open.includes(it.textContent)) it.parentElement.open = true;
    }
    typed = false;
    news.hidden = true;
    countDown();
  };

  const changes = document.querySelector("main").dataset.changes;
  if (changes) {
    document.addEventListener("input", () => { typed = true; });
    news.querySelector("button").addEventListener("click", refresh);
    const main = document.querySelector("main");
    new EventSource(changes).addEventListener("order", (event) => {
      if (event.data === main.dataset.seen) return;
      main.dataset.seen = event.data;
      // What somebody is writing is not taken from under their hands.
      if (typed) news.hidden = false;
      else refresh();
    });
    setInterval(countDown, 30000);
    countDown();
  }
})();
