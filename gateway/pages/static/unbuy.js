// Keeps a page fresh and what is typed on it safe, and has instants shown in the reader's time zone. Everything
// works without it. A page with data-changes is read anew, from data-page, when that stream says so.
(() => {
  "use strict";
  const locale = document.documentElement.lang;
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: "always" });
  const main = document.querySelector("main");
  const news = document.getElementById("news");
  const lost = document.getElementById("lost");
  const heard = document.getElementById("heard");
  const WRITTEN = "input:not([type=hidden], [type=file]), textarea, select";
  let writing = false; // an input method is composing a character

  // As the server writes it: two units, and none that has not run full.
  const left = (seconds) => {
    const said = (number, unit, unitDisplay = "short") =>
      new Intl.NumberFormat(locale, { style: "unit", unit, unitDisplay }).format(number);
    const days = Math.floor(seconds / 86400), hours = Math.floor(seconds / 3600) % 24, minutes = Math.floor(seconds / 60) % 60;
    const parts = days
      ? [said(days, "day", "long"), hours && days < 30 && said(hours, "hour")]
      : [hours && said(hours, "hour"), (minutes || !hours) && said(minutes, "minute")];
    return parts.filter(Boolean).join(" ").replaceAll(" ", "\u00a0");
  };
  const countDown = () => {
    if (main.querySelector(".demo")) return; // its time is not ours
    for (const time of main.querySelectorAll("time[data-until]")) {
      const seconds = (new Date(time.dateTime) - Date.now()) / 1000;
      const [size, unit] = [[86400, "day"], [3600, "hour"], [60, "minute"]].find(
        ([size]) => Math.abs(seconds) >= size) || [60, "minute"];
      time.textContent = seconds >= 60
        ? time.dataset.until.replace("{left}", left(seconds)) : relative.format(Math.trunc(seconds / size), unit);
    }
  };

  // What is typed is kept in this tab until it is sent, by person and form.
  const keyOf = (form) => `draft ${main.dataset.person} ${form.getAttribute("action")}`;
  const isAsItWas = (field) =>
    field.matches("select") ? [...field.options].every((it) => it.selected === it.defaultSelected)
      || (!field.value && !field.querySelector("[selected]"))
      : field.matches("[type=checkbox], [type=radio]") ? field.checked === field.defaultChecked
        : field.value === field.defaultValue;
  const keep = (form) => {
    if (!main.dataset.person || !form.closest("details")) return;
    const fields = [...form.querySelectorAll(WRITTEN)];
    if (fields.every((it) => isAsItWas(it) && !it.value)) return sessionStorage.removeItem(keyOf(form));
    const values = fields.map((it) =>
      [it.name, it.value, it.matches("[type=checkbox], [type=radio]") ? it.checked : null]);
    sessionStorage.setItem(keyOf(form), JSON.stringify(values));
  };
  const restore = () => {
    if (!main.dataset.person) return;
    for (const form of main.querySelectorAll("details > form")) {
      const draft = JSON.parse(sessionStorage.getItem(keyOf(form)) || "null");
      if (!draft) continue;
      for (const [name, value, checked] of draft) {
        const named = [...form.querySelectorAll(WRITTEN)].filter((it) => it.name === name);
        if (checked === null) named.forEach((it) => { it.value = value; });
        else named.filter((it) => it.value === value).forEach((it) => { it.checked = checked; });
      }
      form.closest("details").open = true;
    }
  };
  const forget = (message) => {
    const path = `/${message.replaceAll("_", "-")}`;
    for (const key of Object.keys(sessionStorage)) if (key.endsWith(path)) sessionStorage.removeItem(key);
  };

  const read = async () => {
    const answer = await fetch(main.dataset.page, { headers: { Accept: "text/html" } });
    return answer.ok && new DOMParser().parseFromString(await answer.text(), "text/html");
  };

  // In place, but for what somebody has open, has chosen to upload, or is writing.
  const show = (fresh, told) => {
    const open = [...main.querySelectorAll("details[open] > summary[id]")].map((it) => it.id);
    const files = [...main.querySelectorAll("input[type=file]")].filter((it) => it.value);
    const active = main.contains(document.activeElement) ? document.activeElement : null;
    const at = active?.selectionStart ?? null, y = active?.getBoundingClientRect().top;
    const forms = [...main.querySelectorAll("details > form")];
    forms.forEach(keep);
    const texts = Object.fromEntries(forms.map((it) => [it.getAttribute("action"),
      [...it.querySelectorAll("textarea")].map((it) => it.value).join("\n").trim()]));
    const next = fresh.querySelector("main");
    Object.assign(main.dataset, next.dataset);
    main.replaceChildren(...next.childNodes);
    if (told) main.querySelector(".banner")?.before(told);
    for (const id of open) {
      const summary = document.getElementById(id);
      if (summary) summary.parentElement.open = true;
    }
    restore();
    for (const file of files) document.getElementById(file.id)?.replaceWith(file);
    const again = active?.id && document.getElementById(active.id);
    if (again) {
      again.focus({ preventScroll: true });
      if (at !== null) again.setSelectionRange?.(at, at);
      scrollBy(0, again.getBoundingClientRect().top - y);
    }
    // A form that is gone leaves behind what was written in it.
    const left = Object.entries(texts).filter(([action, text]) =>
      text && !main.querySelector(`form[action="${action}"]`)).map(([, text]) => text).join("\n\n");
    if (left && news) {
      news.querySelector("textarea").value = left;
      news.hidden = false;
    }
    countDown();
    offer();
  };

  const say = (text) => {
    heard.textContent = "";
    setTimeout(() => { heard.textContent = text; }, 100); // the same words twice are heard twice
  };

  const refresh = async () => {
    const fresh = await read();
    if (!fresh) return;
    show(fresh);
    document.title = fresh.title;
    say(main.dataset.news || fresh.title);
  };

  // On a small screen the main action stays in reach once it is scrolled past.
  const passed = new IntersectionObserver(([seen]) => {
    const link = main.querySelector(".to-primary");
    if (link) link.hidden = seen.isIntersecting || seen.boundingClientRect.top > 0;
  });

  const offer = () => {
    passed.disconnect();
    const primary = main.querySelector(".primary");
    if (primary) passed.observe(primary);
    for (const button of main.querySelectorAll("[data-print]")) button.hidden = false;
  };

  // The server writes instants by this cookie: what came before it is read again, once.
  const sayWhereWeAre = async () => {
    const prefix = "secure" in document.body.dataset ? "__Host-" : "";
    const zone = `${prefix}unbuy-zone=${Intl.DateTimeFormat().resolvedOptions().timeZone}`;
    const isSaid = () => document.cookie.split("; ").includes(zone);
    if (isSaid()) return;
    const secure = location.protocol === "https:" ? "; secure" : "";
    document.cookie = `${zone}; path=/; max-age=31536000; samesite=lax${secure}`;
    // What a form was answered with cannot be read again.
    const isPage = main.dataset.page?.split("?")[0] === location.pathname && !main.querySelector(".alert");
    if (!isPage || !isSaid()) return;
    const fresh = await read();
    const isSame = fresh && fresh.querySelector("main").dataset.seen === main.dataset.seen;
    if (isSame && !writing) show(fresh, main.querySelector(".done")); // else it is read again anyway
  };

  document.addEventListener("compositionstart", () => { writing = true; });
  document.addEventListener("compositionend", () => { writing = false; });
  document.addEventListener("input", (event) => { if (event.target.form) keep(event.target.form); });
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-print]")) print();
    if (event.target.closest("#news button")) news.hidden = true;
    const its = event.target.closest(".to-primary") && main.querySelector(".primary details");
    if (its) its.open = true;
  });
  document.addEventListener("submit", (event) => {
    if (event.target.getAttribute("action") === "/sign-out") sessionStorage.clear();
    else for (const form of main.querySelectorAll("details[open] > form")) keep(form);
  });
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = [...main.querySelectorAll("details:not([open])")].filter((it) => !it.querySelector("form"));
    folded.forEach((it) => { it.open = true; });
  });
  addEventListener("afterprint", () => folded.forEach((it) => { it.open = false; }));

  if (main.dataset.sent) forget(main.dataset.sent);
  restore();
  offer();
  sayWhereWeAre();
  setInterval(countDown, 30000);
  countDown();
  if (!main.dataset.changes) return;
  const changes = new EventSource(main.dataset.changes);
  changes.addEventListener("order", (event) => {
    if (event.data === main.dataset.seen) return;
    main.dataset.seen = event.data;
    const whenWritten = () => (writing ? setTimeout(whenWritten, 300) : refresh());
    whenWritten();
  });
  changes.addEventListener("open", () => { lost.hidden = true; });
  changes.addEventListener("error", () => {
    // A browser tries again by itself, but for an answer that is none, as when the session has ended.
    const at = new Date().toLocaleTimeString(locale, { hour: "2-digit", minute: "2-digit" });
    setTimeout(() => {
      if (changes.readyState === EventSource.OPEN || !lost.hidden) return;
      lost.querySelector("time").textContent = at;
      lost.hidden = false;
    }, 3000);
  });
})();
