// What a page cannot do without script: dialogs, tabs, choosing rows, toasts, idle sign-out.
// Every page works without this file; nothing here is the only way to do a thing.
// Words come from the page (<script type="application/json" id="words">), never from here.

const page = document.getElementById("words");
const WORDS = page ? JSON.parse(page.textContent) : {};

/** A word of the page, with {names} filled in. An element may bring its own in data-words. */
export function word(key, values = {}, element = null) {
  const near = element?.closest("[data-words]");
  const own = near ? JSON.parse(near.dataset.words) : {};
  const text = own[key] ?? WORDS[key] ?? "";
  return text.replace(/\{(\w+)\}/g, (all, name) => String(values[name] ?? all));
}

/** Send a form without leaving the page; the answer is for the script, not a page. */
export function send(form, submitter = null) {
  const headers = { Accept: "application/json" };
  return fetch(form.action, { method: "POST", headers, body: new FormData(form, submitter) });
}

/** Say that something has happened. It stays until it is closed: people read at their own pace. */
export function toast(text, { action = "", onAction = null } = {}) {
  const room = document.querySelector(".toasts");
  if (!room) return null;
  const box = document.createElement("div");
  box.className = "toast";
  const said = document.createElement("span");
  said.textContent = text;
  box.append(said);
  const button = (label, act) => {
    const made = document.createElement("button");
    made.className = "btn";
    made.type = "button";
    made.textContent = label;
    made.addEventListener("click", () => { act?.(); box.remove(); });
    box.append(made);
  };
  if (action) button(action, onAction);
  button(word("close"), null);
  room.replaceChildren(box);
  return box;
}

// --- Things that say what they do: data-opens, data-closes, data-says, data-turns, data-copies

document.addEventListener("click", async (event) => {
  const of = (name) => event.target.closest(`[data-${name}]`);

  const opens = of("opens");
  if (opens) document.getElementById(opens.dataset.opens)?.showModal();

  of("closes")?.closest("dialog")?.close();

  const turns = of("turns");
  if (turns) turns.setAttribute("aria-pressed", String(turns.getAttribute("aria-pressed") !== "true"));

  const copies = of("copies");
  if (copies) {
    try {
      await navigator.clipboard.writeText(copies.dataset.copies);
    } catch {
      return; // the address stands on the page as well; claim nothing that did not happen
    }
  }

  const says = of("says");
  if (says) toast(says.dataset.says);

  const prints = of("prints");
  if (prints) window.print();
});

// Sent once: a second click on the way must not send a second form.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || event.defaultPrevented) return;
  if ("downloads" in form.dataset) { form.closest("dialog")?.close(); return; } // the page stays
  if (form.dataset.sent) { event.preventDefault(); return; }
  form.dataset.sent = "1";
});
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

// A menu opened from a name, or from “more”, closes with Escape and with a click elsewhere.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.account[open], .nav details[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.account[open], .nav details[open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

// An address like #why opens the explanation it points at.
function openTarget() {
  const id = decodeURIComponent(location.hash.slice(1));
  const target = id && document.getElementById(id);
  if (target instanceof HTMLDetailsElement) target.open = true;
}
window.addEventListener("hashchange", openTarget);
openTarget();

// --- Tabs: arrow keys, Home, End

for (const list of document.querySelectorAll("[role=tablist]")) {
  const tabs = [...list.querySelectorAll("[role=tab]")];
  const show = (tab) => {
    for (const each of tabs) {
      const on = each === tab;
      each.setAttribute("aria-selected", String(on));
      each.tabIndex = on ? 0 : -1;
      document.getElementById(each.getAttribute("aria-controls")).hidden = !on;
    }
  };
  list.addEventListener("click", (event) => {
    const tab = event.target.closest("[role=tab]");
    if (tab) show(tab);
  });
  list.addEventListener("keydown", (event) => {
    const at = tabs.indexOf(document.activeElement);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    const tab = tabs[(to + tabs.length) % tabs.length];
    show(tab);
    tab.focus();
  });
}

// --- Choosing rows: all at once, and how many

for (const part of document.querySelectorAll("[data-pick]")) {
  const all = part.querySelector("[data-pick-all]");
  const one = [...part.querySelectorAll("[data-pick-one]")];
  const settle = () => {
    const on = one.filter((box) => box.checked).length;
    if (all) {
      all.checked = on > 0 && on === one.length;
      all.indeterminate = on > 0 && on < one.length;
    }
    for (const count of part.querySelectorAll("[data-pick-count]")) count.textContent = String(on);
    for (const bar of part.querySelectorAll("[data-pick-bar]")) bar.hidden = on === 0;
    for (const box of one) box.closest("tr")?.classList.toggle("selected", box.checked);
  };
  all?.addEventListener("change", () => { for (const box of one) box.checked = all.checked; settle(); });
  for (const box of one) box.addEventListener("change", settle);
  settle();
}

// --- Colours of the page: applied at once, kept by the server

for (const form of document.querySelectorAll("form[data-look]")) {
  form.addEventListener("submit", async (event) => {
    const chosen = event.submitter;
    if (chosen?.name !== "theme") return; // a change of language needs a new page
    event.preventDefault();
    if (chosen.value) document.documentElement.dataset.theme = chosen.value;
    else delete document.documentElement.dataset.theme;
    for (const each of form.querySelectorAll("button[name=theme]")) {
      each.setAttribute("aria-pressed", String(each === chosen));
    }
    delete form.dataset.sent;
    await send(form, chosen).catch(() => {});
  });
}

// --- Idle sign-out: asked before, never a surprise

const idle = document.querySelector("dialog[data-idle-seconds]");
if (idle) {
  const limit = Number(idle.dataset.idleSeconds) * 1000;
  const warning = Number(idle.dataset.warnSeconds) * 1000;
  const stay = idle.querySelector("form[data-stay]");
  const leave = idle.querySelector("form[data-leave]");
  const left = idle.querySelector("[data-idle-left]");
  // The other windows of the same person count as well.
  const others = "BroadcastChannel" in window ? new BroadcastChannel("ieum-alive") : null;
  let alive = Date.now();
  let told = Date.now();

  const tell = () => {
    told = Date.now();
    return send(stay).catch(() => null);
  };
  const touch = () => {
    if (idle.open) return; // with the question on the screen only its answer counts
    alive = Date.now();
  };
  const resume = () => {
    alive = Date.now();
    if (idle.open) idle.close();
  };
  for (const name of ["pointerdown", "keydown", "scroll", "timeupdate"]) {
    document.addEventListener(name, touch, { capture: true, passive: true });
  }
  others?.addEventListener("message", resume);

  stay.addEventListener("submit", async (event) => {
    event.preventDefault();
    delete stay.dataset.sent;
    const answer = await tell();
    if (answer?.status === 401) { location.reload(); return; } // it was already over
    others?.postMessage("alive");
    resume();
  });
  idle.addEventListener("cancel", (event) => { event.preventDefault(); stay.requestSubmit(); });

  setInterval(() => {
    const quiet = Date.now() - alive;
    if (quiet >= limit) { leave.requestSubmit(); return; }
    if (quiet >= limit - warning) {
      if (!idle.open) idle.showModal();
      left.textContent = String(Math.ceil((limit - quiet) / 1000));
      return;
    }
    // Reading and watching reach no server; say so before the server would forget us.
    if (alive > told && Date.now() - told > limit / 2) { others?.postMessage("alive"); tell(); }
  }, 1000);
}
