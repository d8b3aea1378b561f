// The page of a session: every entry goes into the queue of this browser (waiting.js) and from there to the server; what
// others entered comes with the answers and every few seconds. The server's clock counts: the device's is corrected by it.
"use strict";
(() => {
  const root = document.getElementById("session");
  if (!root || !window.waiting) return;
  const waiting = window.waiting;
  const may = root.dataset.may === "yes";
  const zone = root.dataset.zone;
  const hhmm = new Intl.DateTimeFormat("en-GB", { timeZone: zone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const hhmmss = new Intl.DateTimeFormat("en-GB", { timeZone: zone, hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
  const $ = (selector, within = root) => within.querySelector(selector);
  const make = (tag, given = {}, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(given)) {
      if (name === "text") made.textContent = value; else if (value !== null && value !== undefined) made.setAttribute(name, value);
    }
    made.append(...children);
    return made;
  };
  // Until the first answer: what the page itself said. The device's clock may be wrong by hours.
  let offset = Date.parse(root.dataset.now) - Date.now();
  // When the server was last heard, by its clock: what is shown or printed stood so then.
  let heard = Date.parse(root.dataset.now);
  let began = root.dataset.began ? Date.parse(root.dataset.began) : null;
  // Since when the session is over, in words; empty while it goes on.
  let over = root.dataset.over;
  let state = null;
  let asked = false;
  let again = false;
  // Names what this page shows: the server answers "nothing new" to it.
  let mark = "";
  const now = () => Date.now() + offset;

  // ---- Entering
  function note(kind, values, says, at = null) {
    const device = Date.now();
    // What puts an entry right keeps its time, unless another one was written.
    const then = at ?? (values.at ? Date.parse(values.at) : now());
    const entry = { id: waiting.uuid(), kind, device_at: new Date(device).toISOString(), ...values, at: new Date(then).toISOString() };
    waiting.add({ url: root.dataset.entries, session: root.dataset.session, says, entry });
    return entry.id;
  }
  const mine = () => waiting.list().filter((each) => each.session === root.dataset.session);

  // "09:12" is the last time that the clock on the wall said so; "+12" is counted from the start of the dose.
  function readStamp(text) {
    const typed = text.trim();
    if (!typed) return { at: null };
    const minutes = /^([+-]\d{1,4})$/.exec(typed);
    if (minutes) {
      if (began === null) return { fault: "The dose has not begun: write a time such as 09:12." };
      const at = began + Number(minutes[1]) * 60000;
      return at > now() + 60000 ? { fault: "This time lies in the future." } : { at };
    }
    const clock = /^(\d{1,2})[:.](\d{2})$/.exec(typed);
    if (!clock) return { fault: "Write a time such as 09:12, or minutes such as +12." };
    const wanted = `${clock[1].padStart(2, "0")}:${clock[2]}`;
    let at = Math.floor(now() / 60000) * 60000;
    for (let step = 0; step < 720; step += 1, at -= 60000) if (hhmm.format(at) === wanted) return { at };
    return { fault: "This time is not in the last twelve hours." };
  }

  // ---- Parts that the server writes
  const parts = new Map([...root.querySelectorAll("[data-part]")].map((each) => [each.dataset.part, { element: each, html: null, next: null }]));
  const typing = (element) => {
    const focused = document.activeElement;
    return (element.contains(focused) && focused.matches("input, select, textarea")) || Boolean(element.querySelector("[data-touched]"));
  };
  // A press is let end before anything under it is drawn anew: it would miss its button, and nothing would be entered.
  // Some presses end without a word, in a menu or a drag: none holds back for long what is new.
  const LONGEST_PRESS_MS = 3000;
  let pressed = false;
  let letGo = 0;
  const letGoIn = (ms) => { clearTimeout(letGo); letGo = setTimeout(() => { pressed = false; swapAll(); }, ms); };
  addEventListener("pointerdown", (event) => { pressed = event.button === 0; letGoIn(LONGEST_PRESS_MS); }, true);
  addEventListener("click", () => { pressed = false; }, true);
  for (const end of ["pointerup", "pointercancel"]) addEventListener(end, () => letGoIn(350), true);
  // Numbers that run by themselves are no news.
  const bare = (html) => html.replace(/<span data-live>.*?<\/span>/gs, "");
  function swap(part) {
    if (part.next === null || part.next === part.html || pressed) return;
    // Where only such numbers are new, nothing else is drawn anew, so that nobody loses the button they have reached.
    if (part.html !== null && !part.stale && bare(part.html) === bare(part.next)) {
      const fresh = make("template");
      fresh.innerHTML = part.next;
      const live = [...fresh.content.querySelectorAll("[data-live]")];
      part.element.querySelectorAll("[data-live]").forEach((each, place) => { each.textContent = live[place].textContent; });
      part.html = part.next;
      return;
    }
    if (typing(part.element)) { stale(part); return; }
    if (part.stale) { part.stale.remove(); part.stale = null; }
    // What somebody opened or closed stays so, until the server itself would have it otherwise, as when the dose begins.
    const open = new Map([...part.element.querySelectorAll("details[id]")].map((each) => [each.id, [each.open, each.dataset.came]]));
    const focused = part.element.contains(document.activeElement) ? document.activeElement : null;
    const again = focused && (focused.id ? `#${CSS.escape(focused.id)}` : focused.dataset.says ? `[data-says="${CSS.escape(focused.dataset.says)}"]` : null);
    const first = part.html === null;
    part.element.innerHTML = part.next;
    part.html = part.next;
    for (const each of part.element.querySelectorAll("details[id]")) {
      const [was, came] = open.get(each.id) || [];
      each.dataset.came = each.open ? "open" : "closed";
      if (!first && was !== undefined && came === each.dataset.came) each.open = was || (each.open && each.classList.contains("decide"));
    }
    if (again) { const found = part.element.querySelector(again); if (found) found.focus(); }
  }
  // What is typed here is not taken away; that it is no longer the newest is said.
  function stale(part) {
    if (part.stale || !part.html || bare(part.html) === bare(part.next)) return;
    const show = make("button", { type: "button", class: "plain", text: "Show what is new" });
    part.stale = make("div", { class: "box warn", role: "status" }, make("p", { text: "Something changed in this part while you were typing. What you typed is not entered yet." }), make("p", { class: "acts" }, show));
    show.addEventListener("click", () => {
      for (const field of part.element.querySelectorAll("[data-touched]")) field.removeAttribute("data-touched");
      if (part.element.contains(document.activeElement)) document.activeElement.blur();
      swap(part);
    });
    part.element.before(part.stale);
  }
  const swapAll = () => { for (const part of parts.values()) swap(part); fit(); };
  root.addEventListener("focusout", () => setTimeout(swapAll, 0));
  root.addEventListener("input", (event) => {
    const form = event.target.closest("[data-part] form");
    if (form) event.target.toggleAttribute("data-touched", event.target.value !== event.target.defaultValue);
  });

  // Two answers may come in the other order than they were read in: the trail says which is older, and the server's clock
  // where nothing was written in between. What was asked for after the last one was drawn is never older.
  const isOlder = (told) => told.last < state.last || (told.last === state.last && Date.parse(told.now) < Date.parse(state.now));
  function take(told, drawn = null) {
    if (state && state !== drawn && isOlder(told)) return;
    state = told;
    began = told.began_at ? Date.parse(told.began_at) : null;
    over = told.over;
    for (const [name, html] of Object.entries(told.parts)) { const part = parts.get(name); if (part) part.next = html; }
    swapAll();
    drawSheet();
    drawWaiting();
    tick();
    // Last: what could not be drawn is asked for again.
    mark = told.mark;
  }

  // ---- Polling
  async function poll() {
    if (asked) return;
    asked = true;
    root.dataset.asking = "yes";
    const from = Date.now();
    const drawn = state;
    try {
      const answer = await fetch(root.dataset.state, {
        headers: { "If-None-Match": mark, "X-Upturn-By-Itself": "yes" }, redirect: "manual", cache: "no-store",
        signal: AbortSignal.timeout(15000),
      });
      if (answer.type === "opaqueredirect") { waiting.linked("logged out"); return; }
      const same = answer.status === 304;
      if (!answer.ok && !same) { waiting.linked("cut"); return; }
      const told = same ? { now: answer.headers.get("X-Upturn-Now") } : await answer.json();
      const until = Date.now();
      // The answer was written about half way between asking and reading it.
      heard = Date.parse(told.now);
      offset = heard - (from + until) / 2;
      waiting.linked("there");
      if (!same) take(told, drawn);
      waiting.send();
    } catch { waiting.linked("cut"); } finally {
      asked = false;
      delete root.dataset.asking;
      if (again) { again = false; poll(); }
    }
  }
  setInterval(poll, Number(root.dataset.poll) * 1000);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) poll(); });
  // What was asked before the connection came back may hang: then once more after it.
  window.addEventListener("online", () => { again = asked; poll(); });

  // ---- The line at the top
  function tick() {
    const clock = over || hhmmss.format(now());
    if ($("[data-clock]").textContent !== clock) $("[data-clock]").textContent = clock;
    const minutes = began === null || over ? "" : `+${Math.max(Math.floor((now() - began) / 60000), 0)} min since the start`;
    if ($("[data-minutes]").textContent !== minutes) $("[data-minutes]").textContent = minutes;
  }
  setInterval(tick, 1000);
  function drawLink() {
    const line = $("[data-link]");
    const count = mine().filter((each) => !each.refused).length;
    const apart = mine().length - count;
    // Nothing more is entered into a session that is over: then only what waits is told, or that nothing gets through.
    const enters = may && !over;
    const wait = count === 1 ? "1 entry waits here" : `${count} entries wait here`;
    const since = waiting.since ? hhmm.format(new Date(waiting.since.getTime() + offset)) : "";
    root.classList.toggle("cut", waiting.link !== "there" && waiting.link !== "unknown");
    root.classList.toggle("pending", count > 0);
    const words = {
      unknown: over ? "" : "Connecting…",
      there: count ? `Connected; ${wait}.` : over && !may ? "" : apart || !may ? "Connected." : "Connected. Everything is saved.",
      cut: `No connection since ${since}.${count ? ` ${wait} and ${count === 1 ? "is" : "are"} sent when it is back.` : enters ? " Go on: what you enter waits here and is sent when it is back." : ""}`,
      trouble: `The server cannot take entries now. ${count ? `${wait} and ${count === 1 ? "is" : "are"} tried again by itself.` : "What you enter waits here and is tried again."}`,
      "logged out": `You were logged out. ${count ? `${wait}; nothing is lost.` : "Nothing is lost."}`,
      "not allowed": `The server does not take entries from you any more. ${count ? `${wait}; nothing is lost.` : ""} Load the page anew.`,
    }[waiting.link];
    fit();
    if (line.dataset.words === `${words}${apart}`) return;
    line.dataset.words = `${words}${apart}`;
    line.textContent = words;
    if (waiting.link === "logged out") line.append(" ", make("a", { href: location.pathname, text: "Log in again" }));
    if (apart) line.append(" ", make("a", { href: "#waiting-entries", class: "apart", text: `${apart === 1 ? "1 entry was" : `${apart} entries were`} not taken: show ${apart === 1 ? "it" : "them"}` }));
  }

  // ---- What can be done with the dose now, by the last news and by what waits here
  const RUNS = ["running", "paused"];
  const AFTER = { start: "running", pause: "paused", resume: "running", device: "running", stop: "ended" };
  function after(told) {
    const ahead = mine().filter((each) => !each.refused && !each.entry.replaces && !each.entry.reason && AFTER[each.entry.kind]);
    return ahead.length ? AFTER[ahead[ahead.length - 1].entry.kind] : told;
  }
  function fit() {
    for (const box of root.querySelectorAll("[data-doing]")) {
      const stands = after(box.dataset.doing);
      for (const form of box.querySelectorAll("[data-when]")) form.toggleAttribute("data-not-now", !form.dataset.when.split(" ").includes(stands));
    }
    if (!root.classList.contains("cut")) root.classList.remove("all-acts");
  }
  root.addEventListener("click", (event) => { if (event.target.closest("[data-show-all]")) root.classList.add("all-acts"); });

  // ---- What waits, and what was refused
  function drawWaiting() {
    const box = $("[data-waiting]");
    const entries = mine();
    box.hidden = !entries.length;
    const shown = entries.map((each) => `${each.key}${each.refused || ""}`).join();
    if (box.dataset.shown === shown) { drawLink(); return; }
    box.dataset.shown = shown;
    box.replaceChildren();
    for (const each of entries) {
      const at = hhmm.format(new Date(each.entry.at));
      const line = make("div", { class: each.refused ? "box bad" : "box", role: each.refused ? "alert" : null });
      const state = !each.refused ? "Waiting: " : each.way === "sure" ? "Not saved yet: " : "Refused: ";
      line.append(make("p", {}, make("strong", { text: state }), `${each.says} (at ${at})`));
      if (each.refused) {
        line.append(make("p", { text: each.refused }));
        const acts = make("p", { class: "acts" });
        const act = (text, then, kind = "plain") => {
          const button = make("button", { type: "button", class: kind, text });
          button.addEventListener("click", then);
          acts.append(button, " ");
        };
        const isReading = each.entry.kind === "reading" && !each.entry.replaces;
        if (each.way === "sure") act("It is right: enter it", () => waiting.sendAgain(each.key, { is_sure: true }));
        if (each.way && isReading) act("Change it", () => change(each));
        act(each.way ? "Discard it" : "I have read it", () => waiting.dropRefused(each.key));
        if (!each.way) act("Send it again", () => waiting.sendAgain(each.key));
        line.append(acts);
      }
      box.append(line);
    }
    drawLink();
  }

  // Back into its field, to be put right and entered anew.
  function change({ key, entry }) {
    waiting.dropRefused(key);
    const row = entry.row ? `r${entry.row}` : `n${entry.nominal_min}`;
    const field = $(`[data-cell="${CSS.escape(`${row}:${entry.instrument}`)}"] input`);
    if (!field) return;
    field.value = entry.value;
    // Kept as typed until it is entered.
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.focus();
    field.select();
  }

  // ---- The flowsheet
  const rows = new Map();
  const added = new Map();
  let columns = [];
  const draft = (row, column) => `typed:${document.body.dataset.person}:${root.dataset.session}:${row}:${column}`;
  // What stands under the name of a scale is its range; "HR 70 1/min" could be read as 701.
  const inUnit = (column) => (/^\d/.test(column.unit) || !column.unit ? "" : ` ${column.unit}`);
  const label = (row) => (row.nominal === null ? "Added row" : row.nominal < 0 ? `${-row.nominal} min before` : `+${row.nominal} min`);

  function drawSheet() {
    if (!state) return;
    if (columns.map((each) => each.id).join() !== state.sheet.columns.map((each) => each.id).join()) {
      columns = state.sheet.columns;
      const head = make("tr", {}, make("th", { scope: "col", text: "Time" }), make("th", { scope: "col", text: "Read at" }));
      for (const each of columns) head.append(make("th", { scope: "col" }, each.name, " ", make("span", { class: "unit", text: each.unit })));
      $("[data-columns]").replaceChildren(head);
      rows.clear();
      $("[data-rows]").replaceChildren();
    }
    const wanted = state.sheet.rows.map((each) => ({ ...each }));
    const known = new Set(wanted.map((each) => each.key));
    for (const each of mine()) {
      const key = each.entry.row ? `r${each.entry.row}` : null;
      if (each.entry.kind === "reading" && key && !known.has(key) && !added.has(key)) added.set(key, { key, nominal: null, row: each.entry.row, due: "", at: "", cells: {} });
    }
    for (const [key, row] of added) if (known.has(key)) added.delete(key); else wanted.push(row);
    const body = $("[data-rows]");
    wanted.forEach((row, place) => {
      let line = rows.get(row.key);
      if (!line) { line = newRow(row); rows.set(row.key, line); }
      line.data = row;
      if (body.children[place] !== line.element && !line.element.contains(document.activeElement)) body.insertBefore(line.element, body.children[place] || null);
      drawRow(line);
    });
    for (const [key, line] of rows) if (!wanted.some((row) => row.key === key)) { line.element.remove(); rows.delete(key); }
  }
  function newRow(row) {
    const element = make("tr", { "data-row": row.key });
    const time = make("th", { scope: "row" });
    const stamp = make("td", { "data-label": "Read at", class: "stamp" });
    element.append(time, stamp);
    const line = { element, time, stamp, cells: new Map(), data: row, input: null };
    if (may) {
      line.input = make("input", { "aria-label": `Read at, ${label(row)}`, placeholder: "now", autocomplete: "off", "data-stamp": "", size: "6" });
      line.fault = make("span", { class: "fault-words", role: "alert" });
      line.input.addEventListener("input", () => { line.fault.textContent = readStamp(line.input.value).fault || ""; });
    }
    line.said = make("span", { class: "said-at" });
    stamp.append(line.said);
    if (line.input) stamp.append(line.input, line.fault);
    for (const column of columns) {
      const cell = make("td", { "data-cell": `${row.key}:${column.id}`, "data-column": column.id, "data-label": column.unit ? `${column.name} (${column.unit})` : column.name });
      element.append(cell);
      line.cells.set(column.id, { element: cell, column, shown: null });
    }
    return line;
  }
  function drawRow(line) {
    const row = line.data;
    const words = `${label(row)}${row.due ? ` · ${row.due}` : ""}`;
    if (line.time.dataset.words !== words) {
      line.time.dataset.words = words;
      line.time.replaceChildren(make("span", { text: label(row) }), ...(row.due ? [" ", make("span", { class: "quiet small", text: row.due })] : []));
    }
    line.said.textContent = row.at;
    const pending = mine().filter((each) => each.entry.kind === "reading" && (row.nominal === null ? `r${each.entry.row}` === row.key : each.entry.nominal_min === row.nominal && !each.entry.row));
    for (const cell of line.cells.values()) drawCell(line, cell, pending.filter((each) => each.entry.instrument === cell.column.id));
  }
  function drawCell(line, cell, pending) {
    const data = line.data.cells[cell.column.id] || { asked: false, disputed: false, values: [], struck: [] };
    const replaced = new Set(pending.filter((each) => !each.refused).map((each) => each.entry.replaces));
    const shown = JSON.stringify([data, pending.map((each) => [each.key, each.refused]), may]);
    if (cell.shown === shown) return;
    const input = $("input", cell.element);
    if (input && input.value && document.activeElement === input) {
      // Somebody types here: what others entered meanwhile is said below, and nothing is taken away.
      let aside = $(".aside", cell.element);
      if (!aside) { aside = make("span", { class: "aside", role: "status" }); cell.element.append(aside); }
      aside.textContent = data.values.map((each) => `${each.who} entered ${each.text} at ${each.at}.`).join(" ");
      return;
    }
    cell.shown = shown;
    const had = document.activeElement === input;
    cell.element.className = data.asked ? "asked" : "";
    cell.element.replaceChildren();
    for (const each of data.values) {
      const button = make("button", { type: "button", class: `value${data.disputed ? " disputed" : ""}`, "aria-label": `${cell.column.id} ${each.text}${inUnit(cell.column)}, ${each.who}, ${each.at}. ${may ? "Correct or strike out" : ""}` }, make("span", { class: "number", text: each.text }));
      button.disabled = !may;
      button.addEventListener("click", () => correct(line, cell, each));
      const said = data.disputed ? `${each.who} ${each.at}` : replaced.has(each.id) ? "is corrected" : may ? "saved" : "";
      cell.element.append(button, ...(said ? [make("span", { class: "cell-state", text: said })] : []));
    }
    if (data.disputed) cell.element.append(make("span", { class: "cell-state bad", role: "alert", text: "Two values: strike one out." }));
    for (const each of pending) {
      // Beside an empty field a value could be read as the next column's: it stands below, with what became of it.
      if (each.refused) cell.element.append(make("span", { class: "cell-state bad", text: `${each.entry.value} ${each.way === "sure" ? "not saved yet" : "refused"}` }));
      else cell.element.append(make("span", { class: "value", text: each.entry.value }), make("span", { class: "cell-state warn", text: "waiting" }));
    }
    for (const each of data.struck) cell.element.append(make("del", { class: "cell-state", title: each.because, text: each.text }));
    const isFree = may && !data.values.length && !pending.some((each) => !each.refused);
    if (isFree) {
      const field = make("input", { inputmode: "decimal", autocomplete: "off", size: "5", "aria-label": `${cell.column.id} ${cell.column.unit}, ${label(line.data)}` });
      let typed = null;
      try { typed = sessionStorage.getItem(draft(line.data.key, cell.column.id)); } catch { /* nothing is kept */ }
      if (typed) { field.value = typed; cell.element.append(make("span", { class: "cell-state warn", text: "typed, not entered" })); }
      field.addEventListener("input", () => { try { if (field.value) sessionStorage.setItem(draft(line.data.key, cell.column.id), field.value); else sessionStorage.removeItem(draft(line.data.key, cell.column.id)); } catch { /* typing goes on */ } });
      field.addEventListener("change", () => commit(line, cell, field));
      field.addEventListener("keydown", (event) => move(event, line, cell, field));
      cell.element.prepend(field);
      if (had) field.focus();
    }
  }
  function commit(line, cell, field) {
    const value = field.value.trim();
    if (!value) return;
    const stamp = readStamp(line.input ? line.input.value : "");
    if (stamp.fault) { line.fault.textContent = stamp.fault; line.input.focus(); return; }
    try { sessionStorage.removeItem(draft(line.data.key, cell.column.id)); } catch { /* nothing was kept */ }
    field.value = "";
    note("reading", { instrument: cell.column.id, value, nominal_min: line.data.nominal, row: line.data.row }, `${cell.column.id} ${value}${inUnit(cell.column)}, ${label(line.data)}`, stamp.at);
  }
  const fields = () => [...root.querySelectorAll(".sheet td:not(.stamp) input")];
  function move(event, line, cell, field) {
    if (event.key === "Enter") {
      event.preventDefault();
      const all = fields();
      const next = all.slice(all.indexOf(field) + 1).find((each) => each.closest("td").classList.contains("asked") || each.closest("tr") === field.closest("tr"));
      if (next) next.focus();
      commit(line, cell, field);
      if (!next) field.blur();
    }
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const column = fields().filter((each) => each.closest("td").dataset.column === cell.column.id);
      const there = column[column.indexOf(field) + (event.key === "ArrowDown" ? 1 : -1)];
      if (there) there.focus();
    }
  }

  // ---- Correcting and striking out
  const dialog = document.getElementById("correct-dialog");
  let correcting = null;
  function correct(line, cell, reading) {
    correcting = { line, cell, reading };
    ask(`${cell.column.id} ${reading.text}${inUnit(cell.column)}, ${label(line.data)}`, true);
  }
  function ask(what, withValue) {
    const form = $("form", dialog);
    form.reset();
    $("[data-title]", dialog).textContent = withValue ? "Correct or strike out" : "Strike out";
    $("[data-what]", dialog).textContent = what;
    $("[data-new]", dialog).hidden = !withValue;
    $("[data-do]", dialog).textContent = withValue ? "Save" : "Strike out";
    dialog.showModal();
  }
  if (dialog) {
    $("form", dialog).addEventListener("submit", (event) => {
      event.preventDefault();
      const form = event.target;
      const reason = form.elements.reason.value.trim();
      const value = form.elements.value.value.trim();
      dialog.close();
      const { line, cell, reading, key, what } = correcting;
      if (reading && value) note("reading", { instrument: cell.column.id, value, nominal_min: line.data.nominal, row: line.data.row, replaces: reading.id, reason }, `${cell.column.id} ${reading.text} corrected to ${value}`, readStamp(line.input.value).at ?? stampOf(reading));
      else note("strike", { of: reading ? reading.id : key, reason }, `Strike out ${reading ? `${cell.column.id} ${reading.text}` : what}`);
    });
  }
  // A correction keeps the time of what it corrects, unless another one was written.
  const stampOf = (reading) => Date.parse(reading.instant);

  // ---- Buttons and forms
  const camel = (name) => name.slice(1).replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`).replace(/^_/, "");
  function given(element) {
    const values = {};
    for (const [name, value] of Object.entries(element.dataset)) {
      if (!/^v[A-Z]/.test(name)) continue;
      const field = camel(name);
      values[field] = field === "because_of" ? value.split(" ").filter(Boolean) : value === "true" ? true : value === "false" ? false : value;
    }
    return values;
  }
  root.addEventListener("click", (event) => {
    const strike = event.target.closest("[data-strike]");
    if (strike) { correcting = { key: strike.dataset.strike, what: strike.dataset.what }; ask(strike.dataset.what, false); return; }
    const button = event.target.closest("button[data-entry]");
    if (!button) return;
    note(button.dataset.entry, given(button), button.dataset.says);
    const group = button.closest(".line-acts");
    if (group) group.classList.add("noted");
  });
  document.addEventListener("submit", (event) => {
    const form = event.target.closest("form[data-entry]");
    if (!form) return;
    event.preventDefault();
    const values = given(form);
    let at = null;
    for (const field of form.elements) {
      if (field.dataset.stamp !== undefined) {
        const stamp = readStamp(field.value);
        if (stamp.fault) { field.setCustomValidity(stamp.fault); field.reportValidity(); field.setCustomValidity(""); return; }
        at = stamp.at;
      } else if (field.name) values[field.name] = field.value.trim() === "" && field.name === "rate_ml_h" ? null : field.value.trim();
    }
    const says = form.dataset.says.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
    const within = form.closest("dialog");
    for (const field of form.elements) field.removeAttribute("data-touched");
    if (document.activeElement && form.contains(document.activeElement)) document.activeElement.blur();
    form.reset();
    if (within) within.close();
    note(form.dataset.entry, values, says, at);
  });
  for (const opener of document.querySelectorAll("[data-open]")) opener.addEventListener("click", () => open(opener.dataset.open));
  for (const closer of document.querySelectorAll("dialog [data-close]")) closer.addEventListener("click", () => closer.closest("dialog").close());
  function open(id) {
    const box = document.getElementById(id);
    if (!box || box.open) return;
    const runs = doseRuns();
    const waits = !runs && RUNS.includes(doseTold());
    for (const each of box.querySelectorAll("[data-stops]")) each.hidden = !runs;
    for (const each of box.querySelectorAll("[data-no-dose]")) each.hidden = runs;
    for (const each of box.querySelectorAll("[data-none-runs]")) each.hidden = waits;
    for (const each of box.querySelectorAll("[data-stop-waits]")) each.hidden = !waits;
    for (const other of document.querySelectorAll("dialog[open]")) other.close();
    box.showModal();
  }
  // Until the first answer: what the page itself said.
  function doseTold() {
    return state ? (state.phase === "dosing" ? "running" : "") : ($("[data-doing]") || root).dataset.doing;
  }
  function doseRuns() { return RUNS.includes(after(doseTold())); }
  const emergency = document.getElementById("emergency-dialog");
  if (emergency) {
    $("form", emergency).addEventListener("submit", (event) => {
      event.preventDefault();
      const form = event.target;
      const at = now();
      const ticked = [...form.querySelectorAll("input[name=sign]:checked")];
      const signs = ticked.map((each) => each.value);
      const words = [...signs, form.elements.note.value.trim()].filter(Boolean).join(", ");
      if (doseRuns()) note("stop", { because: `emergency${words ? `: ${words}` : ""}` }, "Stop: emergency", at);
      const seen = new Map();
      for (const each of ticked) {
        const id = note("sign", { gate: each.dataset.gate, sign: each.value, is_present: true }, `Seen: ${each.value}`, at);
        seen.set(each.dataset.gate, [...(seen.get(each.dataset.gate) || []), id]);
      }
      note("emergency", { step: "opened", gate: ticked.length ? ticked[0].dataset.gate : "", signs, who: "", note: form.elements.note.value.trim() }, "Emergency path opened", at);
      for (const [gate, because_of] of seen) note("decision", { gate: `gates/${gate}`, decision: "emergency", reason: words, because_of }, "Decision: emergency path", at);
      form.reset();
      emergency.close();
    });
  }
  const adder = $("[data-add-row]");
  function addRow() {
    const id = waiting.uuid();
    const key = `r${id}`;
    added.set(key, { key, nominal: null, row: id, due: "", at: "", cells: {} });
    drawSheet();
    const line = rows.get(key);
    const first = line && line.element.querySelector("td:not(.stamp) input");
    if (first) first.focus();
  }
  if (adder) adder.addEventListener("click", addRow);
  document.addEventListener("keydown", (event) => {
    if (!may || event.ctrlKey || event.altKey || event.metaKey) return;
    const act = { F8: () => open("emergency-dialog"), F4: () => open("effect-dialog"), F2: addRow }[event.key];
    if (act) { event.preventDefault(); act(); }
  });

  document.addEventListener("waiting:change", () => { drawSheet(); drawWaiting(); });
  document.addEventListener("waiting:link", drawLink);
  document.addEventListener("waiting:told", (event) => {
    if (event.detail.batch[0].session !== root.dataset.session) return;
    if (event.detail.parts) take(event.detail);
    // One box for all that came back at once; the same words once, with every entry that they are about.
    const said = new Map();
    for (const result of event.detail.results) {
      if (result.state !== "saved" || !result.words) continue;
      const sent = event.detail.batch.find((each) => each.entry.id === result.id);
      said.set(result.words, [...(said.get(result.words) || []), sent ? sent.says : ""]);
    }
    if (!said.size) return;
    const told = make("div", { class: "box warn", role: "alert" });
    for (const [words, about] of said) told.append(make("p", {}, make("strong", { text: `${about.filter(Boolean).join("; ")}: ` }), words));
    const off = make("button", { type: "button", class: "plain", text: "I have read it" });
    off.addEventListener("click", () => told.remove());
    told.append(make("p", { class: "acts" }, off));
    $("[data-waiting]").before(told);
  });
  // On paper stands what is folded on the screen.
  const day = new Intl.DateTimeFormat("en-GB", { timeZone: zone, day: "numeric", month: "short", year: "numeric" });
  window.addEventListener("beforeprint", () => {
    const asOf = document.querySelector("[data-as-of]");
    if (asOf) asOf.textContent = `${day.format(new Date(heard))}, ${hhmm.format(new Date(heard))}`;
    for (const each of root.querySelectorAll("details.part")) { each.dataset.folded = each.open ? "" : "yes"; each.open = true; }
  });
  window.addEventListener("afterprint", () => { for (const each of root.querySelectorAll("details.part[data-folded=yes]")) each.open = false; });
  for (const part of parts.values()) part.html = null;
  drawWaiting();
  poll();
})();
