// Keeps what is half typed, so that a log-out, a conflict or a closed laptop loses nothing.
//
// Where: this browser tab's sessionStorage, under the person's key and the page's address. The browser drops it with the
// tab; a log-out on purpose and a confirmed save clear it. It is not encrypted: whoever sits at an unlocked screen with the
// tab open could read it, as they could read the page itself. Passwords, codes and files are never kept.
"use strict";
(() => {
  const person = document.body.dataset.person || "";
  const prefix = "draft:";
  const kept = (form) => `${prefix}${person}:${location.pathname}#${form.id || "form"}`;
  const never = new Set(["password", "hidden", "file", "submit", "button"]);
  const fields = (form) => [...form.elements].filter((f) => f.name && !never.has(f.type) && f.autocomplete !== "one-time-code");
  const read = (key) => { try { return JSON.parse(sessionStorage.getItem(key)); } catch { return null; } };
  const write = (key, draft) => { try { sessionStorage.setItem(key, JSON.stringify(draft)); } catch { /* full or forbidden: typing goes on */ } };
  const all = () => Object.keys(sessionStorage).filter((key) => key.startsWith(prefix));

  // Only the server's own word that something was saved clears what was sent.
  const saved = document.querySelector(".said .success");
  for (const key of all()) {
    const draft = read(key);
    if (!draft) { sessionStorage.removeItem(key); continue; }
    if (!draft.sent) continue;
    if (saved && person) sessionStorage.removeItem(key);
    else write(key, { ...draft, sent: false });
  }
  if (!person) return;

  for (const form of document.querySelectorAll("form[data-draft]")) {
    const key = kept(form);
    const draft = read(key);
    // A page that came back with errors holds what was typed already.
    if (draft && !form.querySelector(".errorlist, .box.bad")) {
      // What comes back is the same sending: should it have been saved although no answer came, it is not saved again.
      if (draft.key && form.elements.form_key) form.elements.form_key.value = draft.key;
      restore(form, draft.values);
    }
    const keep = (sent) => write(key, { values: values(form), sent, key: form.elements.form_key?.value });
    form.addEventListener("input", () => keep(false));
    form.addEventListener("submit", () => keep(true));
  }
  for (const form of document.querySelectorAll("form[data-log-out]")) {
    form.addEventListener("submit", () => { for (const key of all()) sessionStorage.removeItem(key); });
  }

  function values(form) {
    return fields(form).map((f) => [f.name, f.type === "checkbox" || f.type === "radio" ? [f.value, f.checked] : f.value]);
  }
  function restore(form, values) {
    let changed = false;
    const taken = new Map();
    for (const [name, value] of values) {
      const place = taken.get(name) || 0;
      taken.set(name, place + 1);
      const field = fields(form).filter((f) => f.name === name)[place];
      if (!field) continue;
      if (Array.isArray(value)) { changed ||= field.checked !== value[1]; field.checked = value[1]; }
      else { changed ||= field.value !== value; field.value = value; }
    }
    if (!changed) return;
    const told = document.createElement("div");
    told.className = "box warn";
    told.setAttribute("role", "status");
    const text = document.createElement("p");
    text.textContent = "What you typed here before is back. It is not saved yet.";
    const drop = document.createElement("button");
    drop.type = "button"; drop.className = "plain"; drop.textContent = "Drop it";
    drop.addEventListener("click", () => { sessionStorage.removeItem(kept(form)); location.reload(); });
    told.append(text, drop);
    form.prepend(told);
  }
})();
