// Renews the floor board: asks for the picture every few seconds and puts in only what changed, so that nothing flickers,
// focus stays where it is and a finger on a link does not miss it. Says when the connection is lost and how old the picture
// is. It makes no sound and calls nobody. What it asks by itself keeps nobody logged in.
"use strict";
(() => {
  const board = document.querySelector("[data-board]");
  if (!board) return;
  const picture = board.querySelector("[data-picture]");
  const clock = board.querySelector("[data-clock]");
  const age = board.querySelector("[data-age]");
  const told = board.querySelector("[data-told]");
  const renew = board.querySelector("[data-renew]");
  const every = Number(board.dataset.every) * 1000;
  const patience = Math.min(every, 8000);
  const stale = every * 2.5;
  let mark = board.dataset.mark;
  let seen = performance.now();
  let asking = false;
  let again = false;
  let lost = false;
  let ended = false;
  let finger = false;
  let letGo = 0;
  let waiting = null;

  // A touch or a click is let end before anything under it is changed.
  // Some presses end without a word, in a menu or a drag: none holds back for long what is new.
  const LONGEST_PRESS_MS = 3000;
  function letGoIn(ms) {
    clearTimeout(letGo);
    letGo = setTimeout(() => {
      finger = false;
      if (waiting !== null) { const html = waiting; waiting = null; put(html); }
    }, ms);
  }
  addEventListener("pointerdown", () => { finger = true; letGoIn(LONGEST_PRESS_MS); }, true);
  for (const end of ["pointerup", "pointercancel"]) addEventListener(end, () => letGoIn(350), true);

  function put(html) {
    if (finger) { waiting = html; return; }
    const fresh = document.createElement("div");
    // The server's own page, with everything people typed escaped; the policy of the page lets no script in it run.
    fresh.innerHTML = html;
    children(picture, fresh);
  }

  function children(old, fresh) {
    const named = new Map();
    for (const each of old.children) if (each.dataset.key) named.set(each.dataset.key, each);
    let here = old.firstChild;
    for (const wanted of [...fresh.childNodes]) {
      const key = wanted.dataset && wanted.dataset.key;
      let found = key ? named.get(key) : here;
      if (found && (!alike(found, wanted) || (!key && found.dataset && found.dataset.key))) found = null;
      if (!found) { old.insertBefore(wanted, here); continue; }
      if (found === here) here = here.nextSibling; else old.insertBefore(found, here);
      node(found, wanted);
    }
    while (here) { const next = here.nextSibling; here.remove(); here = next; }
  }

  function alike(one, other) { return one.nodeType === other.nodeType && one.nodeName === other.nodeName; }

  function node(old, fresh) {
    if (old.nodeType !== Node.ELEMENT_NODE) { if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue; return; }
    for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name)) old.removeAttribute(name);
    for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    children(old, fresh);
  }

  async function ask() {
    if (asking || ended) return;
    asking = true;
    again = false;
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), patience);
    try {
      const answer = await fetch(board.dataset.board, {
        headers: { "If-None-Match": mark, "X-Upturn-By-Itself": "1" }, redirect: "manual", cache: "no-store",
        signal: stop.signal,
      });
      if (answer.status === 200 || answer.status === 304) {
        if (answer.status === 200) { put(await answer.text()); mark = answer.headers.get("ETag") || ""; }
        seen = performance.now();
        clock.textContent = answer.headers.get("X-Upturn-Clock") || "";
        if (lost) { lost = false; tell(""); }
      } else if (answer.type === "opaqueredirect" || answer.status === 401 || answer.status === 403) {
        ended = true;
        tell("You are logged out. This picture is not renewed any more.", "Log in");
      } else {
        lose();
      }
    } catch {
      lose();
    } finally {
      clearTimeout(timer);
      asking = false;
      grow();
      if (again) ask();
    }
  }

  function lose() {
    if (lost) return;
    lost = true;
    tell("The connection is lost. What you see is old; it is tried again by itself. Go and look.");
  }

  function tell(text, act) {
    told.textContent = "";
    board.classList.toggle("old", Boolean(text));
    if (!text) return;
    const box = document.createElement("div");
    box.className = "box bad";
    const said = document.createElement("p");
    said.textContent = text;
    box.append(said);
    if (act) {
      const link = document.createElement("a");
      link.href = location.href;
      link.textContent = act;
      const line = document.createElement("p");
      line.append(link);
      box.append(line);
    }
    told.append(box);
  }

  function grow() {
    const old = performance.now() - seen;
    const seconds = Math.round(old / 1000);
    age.textContent = old < every * 1.5 ? "" : `, ${seconds < 120 ? `${seconds} seconds` : `${Math.round(seconds / 60)} minutes`} old`;
    if (old > stale && !ended) lose();
  }

  renew.hidden = false;
  renew.addEventListener("click", ask);
  // What was asked before the connection came back may hang: then once more after it.
  addEventListener("online", () => { again = asking; ask(); });
  addEventListener("offline", () => { if (!ended) lose(); });
  document.addEventListener("visibilitychange", () => { if (!document.hidden) ask(); });
  setInterval(grow, 1000);
  // Twenty tablets that were opened together do not ask together.
  setTimeout(() => { ask(); setInterval(ask, every); }, every * (0.5 + Math.random() / 2));
})();
