// Keeps an order's page fresh, and has instants shown in the reader's time zone. Everything works without it.
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

  const read = async () => {
    const answer = await fetch(main.dataset.page, { headers: { Accept: "text/html" } });
    return answer.ok && new DOMParser().parseFromString(await answer.text(), "text/html");
  };

  const show = (fresh) => {
    const open = [...main.querySelectorAll("details[open] > summary")].map((it) => it.id);
    const focused = main.contains(document.activeElement) && document.activeElement.id;
    const told = main.querySelector(".done, .alert");
    Object.assign(main.dataset, fresh.querySelector("main").dataset);
    main.replaceChildren(...fresh.querySelector("main").childNodes);
    if (told) main.prepend(told);
    for (const id of open) {
      const summary = document.getElementById(id);
      if (summary) summary.parentElement.open = true;
    }
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
    typed = false;
    countDown();
  };

  const refresh = async () => {
    const fresh = await read();
    if (!fresh) return;
    show(fresh);
    heard.textContent = document.title = fresh.title;
    news.hidden = true;
  };

  // The server writes instants by this cookie: what came before it is read again, once.
  const sayWhereWeAre = async () => {
    const zone = `unbuy-zone=${Intl.DateTimeFormat().resolvedOptions().timeZone}`;
    const isSaid = () => document.cookie.split("; ").includes(zone);
    if (isSaid()) return;
    const secure = location.protocol === "https:" ? "; secure" : "";
    document.cookie = `${zone}; path=/; max-age=31536000; samesite=lax${secure}`;
    // What a form was answered with cannot be read again.
    const isPage = main.dataset.page?.split("?")[0] === location.pathname;
    if (!isPage || !isSaid()) return;
    const fresh = await read();
    const isWriting = typed || document.activeElement?.matches("input, select, textarea");
    const isSame = fresh && fresh.querySelector("main").dataset.seen === main.dataset.seen;
    if (isSame && !isWriting) show(fresh); // an order that has changed is read again anyway
  };

  document.addEventListener("input", () => { typed = true; });
  sayWhereWeAre();
  if (!main.dataset.changes) return;
  news.querySelector("button").addEventListener("click", refresh);
  new EventSource(main.dataset.changes).addEventListener("order", (event) => {
    if (event.data === main.dataset.seen) return;
    main.dataset.seen = event.data;
    // What somebody is writing is not taken from under their hands.
    if (typed) news.hidden = false;
    else refresh();
  });
  setInterval(countDown, 30000);
  countDown();
})();
