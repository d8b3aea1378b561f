// The page on which staff enters a rating: a digit answers the item and goes on; arrows move; Backspace clears, and so does
// a second press on the answer, where there are no keys.
// Items that are asked only after another answer are dimmed until then. Without this file the page works by mouse and tab.
"use strict";
(() => {
  const form = document.querySelector("form[data-capture]");
  if (!form) return;
  const items = [...form.querySelectorAll(".item")];
  const radios = (item) => [...item.querySelectorAll("input[type=radio]")];
  const isAsked = (item) => {
    if (!item.dataset.askedIf) return true;
    const [name, value] = item.dataset.askedIf.split("=");
    return form.querySelector(`input[name="${name}"]:checked`)?.value === value;
  };
  // Within this time a second digit belongs to the first: 10 after 1.
  const SECOND_DIGIT_MS = 700;
  let typed = "", timer = 0, typedIn = null;

  function show() { for (const item of items) item.classList.toggle("not-asked", !isAsked(item)); }
  function at(target) { return target.closest?.(".item"); }
  function focus(item) {
    const own = radios(item);
    (own.find((radio) => radio.checked) || own[0]).focus();
    item.scrollIntoView({ block: "nearest" });
  }
  function step(item, by) {
    let place = items.indexOf(item) + by;
    while (items[place] && !isAsked(items[place])) place += by;
    if (items[place]) focus(items[place]);
    else if (by > 0) form.querySelector(".beside select, .beside input:not([type=hidden]), .beside button").focus();
  }
  // After an arrow or Backspace, a first digit waits for no second one.
  function standsAlone() { clearTimeout(timer); typed = ""; }
  function choose(radio) {
    radio.checked = true;
    radio.dispatchEvent(new Event("input", { bubbles: true }));
    radio.dispatchEvent(new Event("change", { bubbles: true }));
  }
  function clear(item) {
    for (const radio of radios(item)) radio.checked = false;
    item.dispatchEvent(new Event("input", { bubbles: true }));
    item.dispatchEvent(new Event("change", { bubbles: true }));
  }
  // A press tells a checked answer before the browser checks it; a double click is one answer.
  const DOUBLE_MS = 600;
  let pressed = null, chosenAt = -DOUBLE_MS;
  form.addEventListener("change", (event) => { if (event.target.checked) chosenAt = event.timeStamp; });
  form.addEventListener("pointerdown", (event) => {
    const radio = event.target.closest(".item label")?.querySelector("input[type=radio]");
    pressed = radio?.checked ? radio : null;
  });
  form.addEventListener("click", (event) => {
    if (event.target !== pressed) return;
    pressed = null;
    if (event.timeStamp - chosenAt < DOUBLE_MS) return;
    clear(at(event.target));
  });
  for (const name of ["pointercancel", "keydown"]) form.addEventListener(name, () => { pressed = null; });
  form.addEventListener("keydown", (event) => {
    const item = at(event.target);
    if (!item || event.ctrlKey || event.metaKey || event.altKey) return;
    if (/^\d$/.test(event.key)) {
      event.preventDefault();
      clearTimeout(timer);
      if (item !== typedIn) typed = "";
      typedIn = item;
      const values = radios(item);
      const long = values.find((radio) => radio.value === typed + event.key);
      const found = long || values.find((radio) => radio.value === event.key);
      typed = long ? typed + event.key : event.key;
      if (!found) { typed = ""; return; }
      choose(found);
      const more = values.some((radio) => radio.value.startsWith(typed) && radio.value !== typed);
      // Who went elsewhere meanwhile, by mouse or tab, is not fetched back.
      const go = () => { typed = ""; if (at(document.activeElement) === item) step(item, 1); };
      if (more) timer = setTimeout(go, SECOND_DIGIT_MS); else go();
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      standsAlone();
      step(item, event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Backspace") {
      event.preventDefault();
      standsAlone();
      clear(item);
    }
  });
  form.addEventListener("change", show);
  show();

  // What the server could not work out does not stand as if it had: neither the total of other answers, nor a missing
  // call for help. It is asked again when the connection is back, and now and then: the browser may say so too early, and
  // of a site that was away it says nothing.
  const score = document.getElementById("score");
  const AGAIN_MS = 10000;
  let again = 0, isByItself = false;
  const askAgain = () => form.dispatchEvent(new CustomEvent("change", { detail: "by itself" }));
  const isCut = () => {
    const told = document.createElement("div");
    told.className = "box warn";
    told.innerHTML = "<p><strong>No total now.</strong> There is no connection, or the site cannot answer. What you typed is kept in this tab.</p><p>If an answer asks for help, do not wait for this page: stay with the person, tell a clinician at once.</p>";
    score.replaceChildren(told);
    clearTimeout(again);
    again = setTimeout(askAgain, AGAIN_MS);
  };
  for (const lost of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) score.addEventListener(lost, isCut);
  addEventListener("online", askAgain);
  // Whatever asks next tells the outcome. What is asked by itself keeps nobody logged in who is not there (idle.js).
  form.addEventListener("change", (event) => { clearTimeout(again); isByItself = event.detail === "by itself"; });
  score.addEventListener("htmx:configRequest", (event) => { if (isByItself) event.detail.headers["X-Upturn-By-Itself"] = "yes"; });
  if (!form.querySelector(".box.bad")) focus(items[0]);
})();
