// Warns before the idle log-out, and leads to log-in when it has come. The server decides; this only tells.
"use strict";
(() => {
  const idle = Number(document.body.dataset.idle || 0);
  const warning = Number(document.body.dataset.warning || 0);
  const dialog = document.getElementById("idle");
  if (!idle || !dialog) return;
  const left = dialog.querySelector("[data-left]");
  const PATIENCE_MS = 15000;
  // Over another box that somebody writes in, such as an emergency, the question waits until so little is left.
  const LAST_WORDS_S = 30;
  let last = Date.now();

  // Any answer to something that the person did counts; what a page asks by itself does not, nor what got no answer.
  document.addEventListener("htmx:afterRequest", (event) => {
    const { requestConfig, xhr } = event.detail;
    const headers = requestConfig && requestConfig.headers;
    if (xhr && xhr.status && (!headers || !headers["X-Upturn-By-Itself"])) last = Date.now();
  });
  // So does an entry of a session that the server took in.
  document.addEventListener("waiting:told", () => { last = Date.now(); });
  const tokens = document.querySelector("meta[name=csrf-token]");

  const cut = dialog.querySelector("[data-cut]");
  const isSession = () => Boolean(document.getElementById("session"));
  const otherBox = () => document.querySelector("dialog[open]:not(#idle)");
  const remaining = () => idle - (Date.now() - last) / 1000;
  // A cut connection or a busy server decides nothing.
  const isNone = (answer) => !answer || answer.status >= 500;
  // Somebody else may have logged in on another page: this page is not theirs.
  const isMine = (answer) => answer.status === 204 && answer.headers.get("X-Upturn-Person") === document.body.dataset.person;
  let asked = 0, owedSince = 0;

  // Null while nothing answers; undefined where something newer was asked since, whose answer counts.
  async function ask(method, headers) {
    const mine = asked += 1;
    dialog.dataset.asking = "yes";
    const answer = await fetch(document.body.dataset.stay, {
      method, headers, redirect: "manual", signal: AbortSignal.timeout?.(PATIENCE_MS),
    }).catch(() => null);
    if (mine !== asked) return undefined;
    delete dialog.dataset.asking;
    return answer;
  }
  function goOn(heard = Date.now()) {
    last = heard;
    cut.hidden = true;
    if (dialog.open) dialog.close();
  }

  // The person is there.
  async function stay() {
    const since = owedSince || Date.now();
    const answer = await ask("POST", { "X-CSRFToken": tokens.content });
    if (answer === undefined) return;
    owedSince = 0;
    // Logged out, or logged in anew on another page: this one comes back with what was typed.
    if (!isNone(answer)) { if (isMine(answer)) goOn(); else location.reload(); return; }
    // A page loaded anew would be lost to whoever types in it: it is said again, in a session until the server hears it.
    if (isSession()) { goOn(); owedSince = since; } else if (dialog.open) cut.hidden = false; else typed = true;
  }
  // Before somebody is asked, and before they are led away, the server says for how long it heard nothing: they may work
  // on another page, and loading this one anew would count as something that they did.
  async function look() {
    const answer = await ask("HEAD", { "X-Upturn-By-Itself": "yes" });
    if (answer === undefined) return;
    if (!isNone(answer)) {
      if (!isMine(answer)) { location.reload(); return; }
      owedSince = 0;
      const idleFor = Number(answer.headers.get("X-Upturn-Idle"));
      if (idle - idleFor > warning) { goOn(Date.now() - idleFor * 1000); return; }
      last = Date.now() - idleFor * 1000;
      say();
    } else if (remaining() > 0) { if (!owedSince) say(); }
    // A running session keeps its page while the connection is cut: there is nothing to log out of, and loading it anew
    // would only take it away. When the connection is back the server decides; what was entered waits (waiting.js).
    else if (isSession()) goOn();
    else location.reload();
  }
  function say() {
    const now = Math.max(remaining(), 1);
    left.textContent = now > 90 ? `${Math.round(now / 60)} minutes` : `${Math.ceil(now / 10) * 10} seconds`;
    if (!dialog.open && (now <= LAST_WORDS_S || !otherBox())) dialog.showModal();
  }
  dialog.querySelector("button").addEventListener("click", stay);
  dialog.addEventListener("cancel", (event) => { event.preventDefault(); stay(); });

  // Typing is activity: tell the server now and then, so that a long text is not cut off.
  let typed = false;
  document.addEventListener("input", () => { typed = true; if (owedSince) owedSince = Date.now(); });

  setInterval(() => {
    if (dialog.dataset.asking) return;
    // What the server could not be told for a while may be said for somebody who has left since.
    if (owedSince) { if (Date.now() - owedSince < warning * 1000) stay(); else look(); return; }
    const now = remaining();
    if (typed && now > 0 && now < idle / 2 && (now > warning || otherBox())) { typed = false; stay(); return; }
    if (now <= 0 || (now <= warning && !dialog.open)) look(); else if (dialog.open) say();
  }, 5000);
})();
