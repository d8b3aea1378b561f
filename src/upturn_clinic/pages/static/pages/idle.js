// Warns before the idle log-out, and leads to log-in when it has come. The server decides; this only tells.
"use strict";
(() => {
  const idle = Number(document.body.dataset.idle || 0);
  const warning = Number(document.body.dataset.warning || 0);
  const dialog = document.getElementById("idle");
  if (!idle || !dialog) return;
  const left = dialog.querySelector("[data-left]");
  // While another page keeps somebody logged in, the person is asked so much later again.
  const ASKED_EVERY_S = 60;
  const PATIENCE_MS = 15000;
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
  // A cut connection or a busy server decides nothing.
  const isNone = (answer) => !answer || answer.status >= 500;
  let isOwed = false, isLeaving = false;

  const ask = (method, headers) => fetch(document.body.dataset.stay, {
    method, headers, redirect: "manual", signal: AbortSignal.timeout?.(PATIENCE_MS),
  }).catch(() => null);

  async function stay() {
    dialog.dataset.asking = "yes";
    const answer = await ask("POST", { "X-CSRFToken": tokens.content });
    delete dialog.dataset.asking;
    isOwed = false;
    if (answer && answer.status === 204) goOn();
    // Logged out, or logged in anew on another page: this one comes back with what was typed.
    else if (!isNone(answer)) location.reload();
    // A page loaded anew would be lost to whoever types in it: it is said again, in a session until the server hears it.
    else if (document.getElementById("session")) { goOn(); isOwed = true; } else if (dialog.open) cut.hidden = false; else typed = true;
  }
  function goOn() {
    last = Date.now();
    cut.hidden = true;
    if (dialog.open) dialog.close();
  }
  // A running session keeps its page while the connection is cut: there is nothing to log out of, and loading it anew
  // would only take it away. When the connection is back the server decides; what was entered waits (waiting.js).
  async function leave() {
    if (isLeaving) return;
    isLeaving = true;
    const answer = await ask("HEAD", { "X-Upturn-By-Itself": "yes" });
    isLeaving = false;
    if (answer && answer.status === 204) {
      // Still logged in by what they do on another page; loading this one anew would count as something that they did.
      goOn();
      last -= (idle - warning - ASKED_EVERY_S) * 1000;
    } else if (isNone(answer) && document.getElementById("session")) goOn();
    else location.reload();
  }
  dialog.querySelector("button").addEventListener("click", stay);
  dialog.addEventListener("cancel", (event) => { event.preventDefault(); stay(); });

  // Typing is activity: tell the server now and then, so that a long text is not cut off.
  let typed = false;
  document.addEventListener("input", () => { typed = true; });

  setInterval(() => {
    if (isOwed) { if (!dialog.dataset.asking) stay(); return; }
    const remaining = idle - (Date.now() - last) / 1000;
    if (typed && remaining < idle / 2 && remaining > warning) { typed = false; stay(); return; }
    if (remaining <= 0) { leave(); return; }
    if (remaining <= warning) {
      left.textContent = remaining > 90 ? `${Math.round(remaining / 60)} minutes` : `${Math.ceil(remaining / 10) * 10} seconds`;
      if (!dialog.open) dialog.showModal();
    }
  }, 5000);
})();
