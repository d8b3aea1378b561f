// Warns before the idle log-out, and leads to log-in when it has come. The server decides; this only tells.
"use strict";
(() => {
  const idle = Number(document.body.dataset.idle || 0);
  const warning = Number(document.body.dataset.warning || 0);
  const dialog = document.getElementById("idle");
  if (!idle || !dialog) return;
  const left = dialog.querySelector("[data-left]");
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

  async function stay() {
    dialog.dataset.asking = "yes";
    const answer = await fetch(document.body.dataset.stay, {
      method: "POST", headers: { "X-CSRFToken": tokens.content }, redirect: "manual",
    }).catch(() => null);
    delete dialog.dataset.asking;
    if (answer && answer.status === 204) goOn();
    else if (answer && answer.status < 500) leave();
    // A cut connection or a busy server decides nothing while there is time: a page loaded anew would be lost to whoever
    // types in it.
    else if (document.getElementById("session")) goOn();
    else typed = !dialog.open;
  }
  function goOn() {
    last = Date.now();
    if (dialog.open) dialog.close();
  }
  // A running session keeps its page while the connection is cut: there is nothing to log out of, and loading it anew
  // would only take it away. When the connection is back the server decides; what was entered waits (waiting.js).
  async function leave() {
    const answer = await fetch(location.href, { method: "HEAD", redirect: "manual", headers: { "X-Upturn-By-Itself": "yes" } }).catch(() => null);
    if (answer || !document.getElementById("session")) location.reload(); else goOn();
  }
  dialog.querySelector("button").addEventListener("click", stay);
  dialog.addEventListener("cancel", (event) => { event.preventDefault(); stay(); });

  // Typing is activity: tell the server now and then, so that a long text is not cut off.
  let typed = false;
  document.addEventListener("input", () => { typed = true; });

  setInterval(() => {
    const remaining = idle - (Date.now() - last) / 1000;
    if (typed && remaining < idle / 2 && remaining > warning) { typed = false; stay(); return; }
    if (remaining <= 0) { leave(); return; }
    if (remaining <= warning) {
      left.textContent = remaining > 90 ? `${Math.round(remaining / 60)} minutes` : `${Math.ceil(remaining / 10) * 10} seconds`;
      if (!dialog.open) dialog.showModal();
    }
  }, 5000);
})();
