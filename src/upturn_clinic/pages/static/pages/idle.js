// Warns before the idle log-out, and leads to log-in when it has come. The server decides; this only tells.
"use strict";
(() => {
  const idle = Number(document.body.dataset.idle || 0);
  const warning = Number(document.body.dataset.warning || 0);
  const dialog = document.getElementById("idle");
  if (!idle || !dialog) return;
  const left = dialog.querySelector("[data-left]");
  const PATIENCE_MS = 15000;
  // While somebody types, the server is told so often, and not later than the time of the warning.
  const TOLD_EVERY_MS = 60000;
  // Over another box that somebody writes in, such as an emergency, the question waits until so little is left.
  const LAST_WORDS_S = 30;
  // When the server last heard of the person; when the person last did what it was not told; when it was last told.
  let last = Date.now(), untold = 0, told = Date.now();
  let typed = 0, asked = 0, isUnsure = false, isGoing = false;

  function heard() { last = told = Date.now(); untold = 0; }
  // Any answer to something that the person did counts; what a page asks by itself does not, nor what got no answer.
  document.addEventListener("htmx:afterRequest", (event) => {
    const { requestConfig, xhr } = event.detail;
    const headers = requestConfig && requestConfig.headers;
    if (xhr && xhr.status && xhr.status < 500 && (!headers || !headers["X-Upturn-By-Itself"])) heard();
  });
  // So does an entry of a session that the server took in, if it was made just now.
  document.addEventListener("waiting:told", (event) => { if (!event.detail.byItself) heard(); });
  document.addEventListener("input", () => { untold = typed = Date.now(); });
  const tokens = document.querySelector("meta[name=csrf-token]");

  const cut = dialog.querySelector("[data-cut]");
  const isSession = () => Boolean(document.getElementById("session"));
  const otherBox = () => document.querySelector("dialog[open]:not(#idle)");
  const remaining = () => idle - (Date.now() - last) / 1000;
  const isLate = (when) => Date.now() - when >= warning * 1000;
  // A cut connection or a busy server decides nothing.
  const isNone = (answer) => !answer || answer.status >= 500;
  // Somebody else may have logged in on another page: this page is not theirs.
  const isMine = (answer) => answer.status === 204 && answer.headers.get("X-Upturn-Person") === document.body.dataset.person;

  // Null while nothing answers; undefined where something newer was asked since, whose answer counts.
  async function ask(method, headers) {
    const mine = asked += 1;
    dialog.dataset.asking = "yes";
    const answer = await fetch(document.body.dataset.stay, {
      method, headers, redirect: "manual", signal: AbortSignal.timeout?.(PATIENCE_MS),
    }).catch(() => null);
    if (mine !== asked) return undefined;
    delete dialog.dataset.asking;
    isUnsure = isNone(answer);
    return answer;
  }
  function goOn(since = Date.now()) {
    last = since;
    cut.hidden = true;
    if (dialog.open) dialog.close();
  }
  // Logged out, or logged in anew on another page: this one comes back with what was typed, but for a box such as an
  // emergency, which keeps nothing: whoever writes in it is let end.
  function go() {
    isUnsure = Boolean(otherBox()) && !isLate(typed);
    if (isUnsure) return;
    isGoing = true;
    location.reload();
  }

  // The person is there.
  async function stay() {
    const since = untold || Date.now();
    untold = 0;
    told = Date.now();
    const answer = await ask("POST", { "X-CSRFToken": tokens.content });
    if (answer === undefined) return;
    if (!isNone(answer)) { if (isMine(answer)) goOn(); else go(); return; }
    // It is said again: a page loaded anew would be lost to whoever types in it.
    untold = Math.max(untold, since);
    if (isSession()) { goOn(); return; }
    if (remaining() <= warning) say();
    cut.hidden = false;
  }
  // Before somebody is asked, and before they are led away, the server says for how long it heard nothing: they may work
  // on another page, and loading this one anew would count as something that they did.
  async function look() {
    const answer = await ask("HEAD", { "X-Upturn-By-Itself": "yes" });
    if (answer === undefined) return;
    if (!isNone(answer)) {
      if (!isMine(answer)) { go(); return; }
      const idleFor = Number(answer.headers.get("X-Upturn-Idle"));
      if (idle - idleFor > warning) { goOn(Date.now() - idleFor * 1000); return; }
      last = Date.now() - idleFor * 1000;
      say();
    } else if (remaining() > 0) { if (remaining() <= warning) say(); }
    // A running session keeps its page while the connection is cut: there is nothing to log out of, and loading it anew
    // would only take it away. When the connection is back the server decides; what was entered waits (waiting.js).
    else if (isSession()) goOn();
    else go();
  }
  function say() {
    const now = Math.max(remaining(), 1);
    left.textContent = now > 90 ? `${Math.round(now / 60)} minutes` : `${Math.ceil(now / 10) * 10} seconds`;
    if (!dialog.open && (now <= LAST_WORDS_S || !otherBox())) { cut.hidden = true; dialog.showModal(); }
  }
  dialog.querySelector("button").addEventListener("click", stay);
  dialog.addEventListener("cancel", (event) => { event.preventDefault(); stay(); });

  setInterval(() => {
    if (isGoing || dialog.dataset.asking) return;
    // What the server could not be told in time is not told for somebody who may have left since.
    if (isLate(untold)) untold = 0;
    if (untold && (isUnsure || Date.now() - told >= TOLD_EVERY_MS)) { stay(); return; }
    const now = remaining();
    if (isUnsure || now <= 0 || (now <= warning && !dialog.open)) look(); else if (dialog.open) say();
  }, 5000);
})();
