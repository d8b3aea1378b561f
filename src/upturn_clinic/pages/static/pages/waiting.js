// Entries of a session that wait to be sent: kept in this browser, sent in their order, taken off only when the server
// has said what became of them. Loaded on every page, so that they also go out after a log-in that led elsewhere.
//
// Where: localStorage, one key per entry, under the key of the person who made it. Another person's entries are never
// sent: they wait until that person logs in again. The values are not encrypted (docs/security.md): they stay only until
// the server has them. An entry has its own key, so that sending it twice makes one row.
// What is refused is kept apart with the server's words and goes again only when somebody says so. Trouble at the server
// is no refusal: it is told, and tried again.
"use strict";
(() => {
  const person = document.body.dataset.person || "";
  const prefix = "waiting:";
  const token = document.querySelector("meta[name=csrf-token]");
  const most = 100;
  const patience = 15000;
  const again = 4000;
  const unkept = new Map();
  let link = "unknown";
  let since = null;
  let sending = false;
  let wanted = false;
  // What goes on by itself keeps nobody logged in: a page from before another log-in, or what was entered a while ago.
  let inVain = false;
  const longAgo = Number(document.body.dataset.warning || 0) * 1000;

  const uuid = () => {
    if (crypto.randomUUID) return crypto.randomUUID();
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = (bytes[6] & 15) | 64; bytes[8] = (bytes[8] & 63) | 128;
    const hex = [...bytes].map((each) => each.toString(16).padStart(2, "0")).join("");
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  };
  const keys = () => { try { return Object.keys(localStorage).filter((key) => key.startsWith(prefix)); } catch { return []; } };
  const read = (key) => { try { return JSON.parse(localStorage.getItem(key)); } catch { return null; } };
  const keep = (key, item) => {
    try { localStorage.setItem(key, JSON.stringify(item)); unkept.delete(key); } catch { unkept.set(key, item); }
  };
  const drop = (key) => { unkept.delete(key); try { localStorage.removeItem(key); } catch { /* nothing was kept */ } };
  const own = (key) => key.startsWith(`${prefix}${person}:`);
  const tell = (name, detail) => document.dispatchEvent(new CustomEvent(name, { detail }));

  function list() {
    // Of two copies the one that the storage had no room for is the newer.
    const found = keys().filter((key) => own(key) && !unkept.has(key)).map((key) => ({ key, ...read(key) })).filter((each) => each.entry);
    for (const [key, item] of unkept) found.push({ key, ...item });
    return found.sort((a, b) => (a.key < b.key ? -1 : 1));
  }
  function number() {
    let last = 0;
    try { last = Number(localStorage.getItem("waiting-number")) || 0; localStorage.setItem("waiting-number", String(last + 1)); } catch { last = Date.now(); }
    return String(last + 1).padStart(16, "0");
  }
  function add(item) {
    keep(`${prefix}${person}:${number()}:${item.entry.id}`, { ...item, acted: Date.now() });
    tell("waiting:change");
    send();
  }
  function dropRefused(key) { drop(key); tell("waiting:change"); }
  function sendAgain(key, more = {}) {
    const item = unkept.get(key) || read(key);
    if (item) keep(key, { ...item, acted: Date.now(), entry: { ...item.entry, ...more }, refused: undefined, way: undefined });
    tell("waiting:change");
    send();
  }

  function linked(now) {
    if (now === link) return;
    link = now;
    since = new Date();
    tell("waiting:link", { link, since });
  }
  async function send() {
    if (!person) return;
    // Asked for while a try is still failing, such as when the connection is just back: tried once more after it.
    wanted = true;
    if (sending) return;
    sending = true;
    try {
      while (wanted) {
        wanted = false;
        if (navigator.locks) await navigator.locks.request("upturn-waiting", deliver);
        else await deliver();
      }
    } finally { sending = false; }
  }
  const setApart = ({ key, ...item }, words, way = "") => keep(key, { ...item, refused: words, way });
  async function deliver() {
    let size = most;
    for (;;) {
      const waiting = list().filter((each) => !each.refused);
      if (!waiting.length) return;
      const batch = waiting.filter((each) => each.url === waiting[0].url).slice(0, size);
      const byItself = inVain || batch.every((each) => Date.now() - (each.acted || 0) >= longAgo);
      const told = await post(batch[0].url, batch.map((each) => each.entry), byItself);
      if (!told) return;
      if (told.refused) {
        // Of many, one alone may be at fault, or they are too many: each is asked about by itself.
        if (batch.length > 1 && !told.all) { size = 1; continue; }
        for (const each of batch) setApart(each, told.refused);
        tell("waiting:change");
        continue;
      }
      const byId = new Map(told.results.map((each) => [each.id, each]));
      let left = 0;
      for (const each of batch) {
        const result = byId.get(each.entry.id);
        if (!result) { left += 1; continue; }
        if (result.state === "refused") setApart(each, result.words, result.way);
        else drop(each.key);
      }
      tell("waiting:told", { ...told, batch, byItself });
      tell("waiting:change");
      if (left === batch.length) return;
    }
  }
  async function fault(answer) {
    try { return (await answer.json()).fault || ""; } catch { return ""; /* not our server's words */ }
  }
  async function words(answer) {
    const known = { 404: "This session is not open to you.", 409: "Something else was saved first.", 413: "It is too much at once." };
    return `${await fault(answer) || known[answer.status] || "The server did not take it."} Look at it, then send it again or enter it anew. (For whoever runs the server: ${answer.status}.)`;
  }
  async function post(url, entries, byItself) {
    let answer;
    try {
      answer = await fetch(url, {
        method: "POST", redirect: "manual", signal: AbortSignal.timeout(patience),
        headers: {
          "Content-Type": "application/json", "X-CSRFToken": token.content,
          ...(byItself && { "X-Upturn-By-Itself": "yes" }),
        },
        body: JSON.stringify(entries),
      });
    } catch { linked("cut"); return null; }
    if (answer.type === "opaqueredirect") { linked("logged out"); return null; }
    if (answer.status === 403) {
      linked("not allowed");
      // Only our own words say that this person may not record here. Anything else passes, such as the token of a page
      // from before a log-in on another tab: then a new page sends what waits.
      inVain = !await fault(answer);
      if (inVain) return null;
      return { refused: "The server does not take entries from you here. Load the page anew, log in as somebody who may, or tell your administrator. (For whoever runs the server: 403.)", all: true };
    }
    inVain = false;
    if (answer.status >= 500 || answer.status === 408 || answer.status === 429) { linked("trouble"); return null; }
    if (!answer.ok) { linked("there"); return { refused: await words(answer) }; }
    try { const told = await answer.json(); linked("there"); return told; } catch { linked("cut"); return null; }
  }

  window.waiting = { add, list, send, sendAgain, dropRefused, linked, uuid, get link() { return link; }, get since() { return since; } };
  window.addEventListener("online", send);
  window.addEventListener("offline", () => linked("cut"));
  setInterval(() => { if (list().some((each) => !each.refused)) send(); }, again);

  // A page that is not the session's says what waits.
  function say() {
    if (document.getElementById("session")) return;
    const mine = person ? list().length : 0;
    const others = keys().filter((key) => !person || !own(key)).length;
    let box = document.getElementById("waiting-note");
    if (!mine && !others) { if (box) box.remove(); return; }
    if (!box) {
      box = document.createElement("div");
      box.id = "waiting-note"; box.className = "box warn"; box.setAttribute("role", "status");
      document.getElementById("main").prepend(box);
    }
    box.replaceChildren();
    const line = (text) => { const p = document.createElement("p"); p.textContent = text; box.append(p); };
    if (mine) line(`${mine} ${mine === 1 ? "entry" : "entries"} of a session ${mine === 1 ? "waits" : "wait"} in this browser. What can be sent is being sent; open the session to see the rest.`);
    if (others) line(`${others} ${others === 1 ? "entry" : "entries"} of a session ${others === 1 ? "waits" : "wait"} in this browser for the person who made ${others === 1 ? "it" : "them"}: to be sent, that person logs in here again.`);
  }
  document.addEventListener("waiting:change", say);
  window.addEventListener("storage", () => tell("waiting:change"));

  // Logging out with entries that wait is a decision.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("form[data-log-out]")) return;
    const refused = list().filter((each) => each.refused).length;
    const count = list().length - refused;
    if (!(count + refused) || form.dataset.sure) {
      // What was half typed into a flowsheet goes with a log-out on purpose, as drafts of forms do.
      for (const key of Object.keys(sessionStorage)) if (key.startsWith("typed:")) sessionStorage.removeItem(key);
      return;
    }
    event.preventDefault();
    event.stopImmediatePropagation();
    const dialog = document.createElement("dialog");
    dialog.id = "log-out-dialog";
    dialog.setAttribute("aria-labelledby", "log-out-title");
    const title = document.createElement("h2");
    title.id = "log-out-title"; title.textContent = "Not everything is saved yet";
    const texts = [];
    const line = (text) => { const p = document.createElement("p"); p.textContent = text; texts.push(p); };
    if (count) line(`${count} ${count === 1 ? "entry" : "entries"} of a session still ${count === 1 ? "waits" : "wait"} for the connection. After a log-out ${count === 1 ? "it stays" : "they stay"} in this browser, and ${count === 1 ? "is" : "are"} sent when you log in here again.`);
    if (refused) line(`${refused} ${refused === 1 ? "entry" : "entries"} of a session ${refused === 1 ? "was" : "were"} refused. After a log-out ${refused === 1 ? "it stays" : "they stay"} in this browser. Open the session to send ${refused === 1 ? "it" : "them"} again or enter ${refused === 1 ? "it" : "them"} anew.`);
    const acts = document.createElement("p");
    acts.className = "acts";
    const button = (words, kind, act) => { const b = document.createElement("button"); b.type = "button"; b.textContent = words; b.className = kind; b.addEventListener("click", act); acts.append(b); };
    button("Stay logged in", "", () => { dialog.close(); dialog.remove(); });
    button("Log out all the same", "plain", () => { form.dataset.sure = "yes"; form.requestSubmit(); });
    dialog.append(title, ...texts, acts);
    document.body.append(dialog);
    dialog.showModal();
  }, true);
  say();
  if (person) send();
})();
