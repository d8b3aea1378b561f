// The page on which a participant answers on their own device. Answers are kept in this tab until they are sent; a cut
// connection loses nothing: they are sent when it is back. The server takes each sheet once, however often it comes.
"use strict";
(() => {
  const form = document.querySelector("form[data-questions]");
  if (!form) return;
  const key = `questions:${form.dataset.questions}`;
  const told = form.querySelector(".told");
  const questions = [...form.querySelectorAll(".question")];
  const AGAIN_MS = 10000;
  // A connection may take what is sent and answer nothing: then it is sent again.
  const PATIENCE_MS = 20000;
  const leftOut = form.elements.left_out;
  const sending = form.querySelector(".acts button:last-child");
  let waiting = 0, isSending = false, isFailing = false;

  const kept = () => { try { return JSON.parse(sessionStorage.getItem(key)) || {}; } catch { return {}; } };
  const keep = (answers) => { try { sessionStorage.setItem(key, JSON.stringify(answers)); } catch { /* full or forbidden */ } };
  const answers = () => Object.fromEntries([...form.querySelectorAll("input[type=radio]:checked")].map((r) => [r.name, r.value]));

  function show() {
    for (const question of questions) {
      const clear = question.querySelector(".clear");
      clear.hidden = !question.querySelector("input:checked");
      if (!question.dataset.askedIf) continue;
      const [name, value] = question.dataset.askedIf.split("=");
      const isAsked = form.querySelector(`input[name="${name}"]:checked`)?.value === value;
      question.hidden = !isAsked;
      question.disabled = !isAsked;
      question.querySelector(".when-asked").hidden = true;
    }
  }
  for (const [name, value] of Object.entries(kept())) {
    const radio = [...form.querySelectorAll("input[type=radio]")].find((r) => r.name === name && r.value === value);
    if (radio) radio.checked = true;
  }
  form.addEventListener("change", () => { keep(answers()); show(); askNoMore(); });
  form.addEventListener("click", (event) => {
    if (!event.target.classList.contains("clear")) return;
    const question = event.target.closest(".question");
    for (const radio of question.querySelectorAll("input")) radio.checked = false;
    question.querySelector("input").focus();
    keep(answers()); show(); askNoMore();
  });

  // One slip of a thumb sends nothing, and leaves out no question that could ask for help, without being asked once;
  // what asks for help is sent at once. The server asks the same where this file does not run.
  function leftOpen() {
    const chosen = (question) => question.querySelector("input:checked");
    const shown = questions.filter((question) => !question.hidden);
    const helping = shown.filter((question) => question.dataset.asksHelp);
    if (helping.some((question) => Number(chosen(question)?.value) >= Number(question.dataset.asksHelp))) return "";
    if (!shown.some(chosen)) return "You have not answered any question.";
    const open = helping.filter((question) => !chosen(question)).map((question) => question.dataset.item);
    return open.length ? `You left out question ${open.join(" and question ")}.` : "";
  }
  function askNoMore() {
    if (!leftOut.value) return;
    leftOut.value = "";
    told.className = "told";
    told.textContent = "";
    sending.textContent = "Send";
  }
  function askOnce() {
    const open = leftOut.value ? "" : leftOpen();
    if (!open) return false;
    leftOut.value = "yes";
    told.className = "told box warn";
    told.textContent = `${open} You can answer now, or send it like this.`;
    sending.textContent = "Send it like this";
    return true;
  }

  async function send() {
    if (isSending) return;
    isSending = true;
    clearTimeout(waiting);
    waiting = 0;
    // What is on its way stands: an answer changed meanwhile would be lost with the page that thanks for the others.
    const stands = (is) => { for (const question of questions) question.inert = is; };
    try {
      const sent = new URLSearchParams(new FormData(form));
      stands(true);
      if (!isFailing) { told.className = "told"; told.textContent = "Sending …"; }
      const answer = await fetch(location.href, { method: "POST", body: sent, redirect: "follow", signal: AbortSignal.timeout?.(PATIENCE_MS) });
      if (answer.status >= 500 || answer.status === 429) throw new Error("later");
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const main = page.querySelector("main");
      if (!main) throw new Error("not from our server");
      // Saved is what leads to thanks, to help or to the next sheet; only then are the kept answers let go.
      const next = page.querySelector("form[data-questions]");
      const isSaved = answer.ok && (main.hasAttribute("data-saved") || (next && next.dataset.questions !== form.dataset.questions));
      if (isSaved) try { sessionStorage.removeItem(key); } catch { /* forbidden */ }
      if (answer.ok && answer.redirected && next) location.reload();
      else {
        // What the server says, and where help is, takes the place of the questions. It is not fetched once more: a
        // connection that is cut just now would take the help away.
        document.title = page.title;
        document.querySelector("main").replaceWith(main);
        main.focus({ preventScroll: true });
        scrollTo(0, 0);
      }
    } catch {
      stands(false);
      // That help is below stands while it is tried again.
      isFailing = true;
      told.className = "told box warn";
      told.textContent = "There is no connection now, or the site cannot take your answers. They are kept on this page and are sent when it is back. Do not close it. If you need help, do not wait for it: see below.";
      waiting = setTimeout(send, AGAIN_MS);
    } finally { isSending = false; }
  }
  form.addEventListener("submit", (event) => { event.preventDefault(); if (!askOnce()) send(); });
  addEventListener("online", () => { if (waiting) send(); });
  show();
})();
