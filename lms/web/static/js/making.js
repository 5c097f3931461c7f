// The draft of a course: changes without leaving the page, and dragging. Every change is a form of
// its own that works without this file; dragging is one more way to do what the buttons do.

import { toast, word } from "./ieum.js";

// --- Hours become credits as one writes

for (const room of document.querySelectorAll("[data-hours]")) {
  const [hours, minutes] = room.querySelectorAll("input");
  const shown = room.querySelector("[data-credits]");
  room.addEventListener("input", () => {
    const whole = (Number(hours.value) || 0) * 60 + (Number(minutes.value) || 0);
    shown.textContent = word("credits", { n: Math.floor(whole / 900) }, room);
  });
}

// --- The draft

let draft = document.getElementById("draft");
if (draft?.dataset.draft !== undefined) begin();

function begin() {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!draft.contains(form) || form.method !== "post") return;
    event.preventDefault();
    if (event.submitter?.getAttribute("aria-disabled") === "true") return;
    act(new FormData(form, event.submitter), event.submitter?.id);
  });
  prepare();
}

/** Send one change, and show the draft as it then stands. */
async function act(told, focus) {
  const address = draft.dataset.draft;
  let answer;
  try {
    answer = await fetch(address, { method: "POST", headers: { Accept: "application/json" }, body: told });
  } catch {
    toast(word("lost", {}, draft));
    return;
  }
  const body = await answer.json().catch(() => ({}));
  if (answer.ok && !new URL(body.go, location.href).pathname.endsWith(location.pathname)) {
    location.assign(body.go); // a new activity has a form of its own
    return;
  }
  if (!answer.ok) toast(body.error?.message ?? word("lost", {}, draft));
  await show(answer.ok ? body.go : location.href, focus);
}

/** The draft of the page at that address, put in the place of ours. */
async function show(address, focus) {
  const answer = await fetch(address).catch(() => null);
  if (!answer?.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.getElementById("draft");
  if (!fresh) { location.reload(); return; } // signed out in the meantime
  draft.replaceWith(document.adoptNode(fresh));
  draft = fresh;
  prepare();
  (document.getElementById(focus) ?? draft.querySelector(".notice button") ?? draft).focus({ preventScroll: true });
}

// --- Dragging with a mouse

function prepare() {
  if (!("movable" in draft.dataset)) return;
  for (const row of draft.querySelectorAll("[data-unit], [data-activity]")) {
    const grip = document.createElement("span");
    grip.className = "making-grip";
    grip.textContent = "⠿";
    grip.title = word("drag", {}, draft);
    grip.setAttribute("aria-hidden", "true");
    const head = row.querySelector(":scope > .making-head");
    (head ?? row).prepend(grip);
    grip.draggable = true;
    grip.addEventListener("dragstart", (event) => {
      moved = row;
      row.classList.add("making-dragged");
      event.dataTransfer.effectAllowed = "move";
      event.dataTransfer.setData("text/plain", row.id);
      event.dataTransfer.setDragImage(row, 20, 20);
    });
    grip.addEventListener("dragend", () => { clear(); row.classList.remove("making-dragged"); moved = null; });
  }
  draft.addEventListener("dragover", over);
  draft.addEventListener("drop", drop);
}

let moved = null;

function clear() {
  for (const one of draft.querySelectorAll(".making-drop-before, .making-drop-after")) {
    one.classList.remove("making-drop-before", "making-drop-after");
  }
}

/** Where a drop at this height would put what is dragged: a row, and before or after it. */
function target(event) {
  if (!moved) return null;
  const kind = "unit" in moved.dataset ? "[data-unit]" : "[data-activity]";
  const row = event.target.closest(kind);
  if (row && row !== moved) {
    const box = row.getBoundingClientRect();
    return { row, after: event.clientY > box.top + box.height / 2 };
  }
  if (kind === "[data-unit]") return null;
  const unit = event.target.closest("[data-unit]"); // into a unit, behind what is there
  return unit && !row ? { row: unit, after: true, end: true } : null;
}

function over(event) {
  const at = target(event);
  clear();
  if (!at) return;
  event.preventDefault();
  at.row.classList.add(at.after ? "making-drop-after" : "making-drop-before");
}

function drop(event) {
  const at = target(event);
  clear();
  if (!at) return;
  event.preventDefault();
  const told = new FormData();
  const isUnit = "unit" in moved.dataset;
  const home = isUnit ? draft.querySelector("[data-units]")
    : (at.end ? at.row : at.row.closest("[data-unit]")).querySelector("[data-activities]");
  const others = [...home.children].filter((one) => one !== moved);
  const to = at.end ? others.length : others.indexOf(at.row) + (at.after ? 1 : 0);
  told.set("act", isUnit ? "unit_move" : "activity_move");
  told.set("key", isUnit ? moved.dataset.unit : moved.dataset.activity);
  if (!isUnit) told.set("unit", home.closest("[data-unit]").dataset.unit);
  told.set("to", String(to));
  told.set("revision", draft.dataset.revision);
  told.set("csrf_token", draft.querySelector("[name=csrf_token]").value);
  act(told, `down-${told.get("key")}`);
}
