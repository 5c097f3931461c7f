// Writing a quiz: questions are added, moved and shown by their type. Without this script the same
// form has spare lines, numbers for the order and a box to tick for what should go.

import { word } from "./ieum.js";

function take(root) {
  const list = root.querySelector("[data-items]");
  const count = root.querySelector("[data-count]");
  const spare = root.querySelector("[data-spare]");
  const blank = root.querySelector("[data-blank]");
  const add = root.querySelector("[data-add]");
  let next = Number(count.value);

  spare.remove();
  add.hidden = false;

  const items = () => [...list.querySelectorAll("[data-item]")];

  function number() {
    const all = items();
    for (const [place, item] of all.entries()) {
      item.querySelector("[data-item-name]").textContent = word("item", { n: place + 1 }, root);
      item.querySelector("[data-order]").value = String(place + 1);
      item.querySelector("[data-up]").disabled = place === 0;
      item.querySelector("[data-down]").disabled = place === all.length - 1;
    }
  }

  function show(item) {
    const type = item.querySelector("[data-type]").value;
    for (const part of item.querySelectorAll("[data-for]")) {
      part.hidden = !part.dataset.for.split(" ").includes(type);
    }
  }

  function moreChoices(item) {
    const lines = item.querySelector("[data-choices]");
    const line = lines.lastElementChild.cloneNode(true);
    const n = lines.children.length;
    for (const input of line.querySelectorAll("input")) {
      input.name = input.name.replace(/-c-\d+-/, `-c-${n}-`);
      if (input.type === "checkbox") input.checked = false;
      else input.value = "";
    }
    line.querySelector(".sr").textContent = word("right", { n: n + 1 }, root);
    const text = line.querySelector("input.input");
    text.setAttribute("aria-label", word("choice", { n: n + 1 }, root));
    lines.append(line);
    text.focus();
  }

  function move(item, by) {
    const all = items();
    const other = all[all.indexOf(item) + by];
    if (!other) return;
    if (by < 0) other.before(item);
    else other.after(item);
    number();
    const button = item.querySelector(by < 0 ? "[data-up]" : "[data-down]");
    (button.disabled ? item.querySelector(by < 0 ? "[data-down]" : "[data-up]") : button).focus();
  }

  function begin(item) {
    item.querySelector("[data-order]").closest("label").hidden = true;
    for (const button of item.querySelectorAll("[data-up], [data-down], [data-more]")) {
      button.hidden = false;
    }
    item.querySelector("[data-type]").addEventListener("change", () => show(item));
    item.querySelector("[data-up]").addEventListener("click", () => move(item, -1));
    item.querySelector("[data-down]").addEventListener("click", () => move(item, 1));
    item.querySelector("[data-more]").addEventListener("click", () => moreChoices(item));
    const drop = item.querySelector("[data-drop]");
    drop.addEventListener("change", () => item.classList.toggle("going", drop.checked));
    show(item);
  }

  add.addEventListener("click", () => {
    const made = document.createElement("div");
    made.innerHTML = blank.innerHTML.replaceAll("q-NEW", `q-${next}`);
    next += 1;
    count.value = String(next);
    const item = made.firstElementChild;
    list.append(item);
    begin(item);
    number();
    item.querySelector("textarea").focus();
  });

  for (const item of items()) begin(item);
  number();
}

for (const root of document.querySelectorAll("[data-quiz-editor]")) take(root);
