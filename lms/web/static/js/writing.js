// A page's text, written as it will look. The box of HTML below it is what is sent; what stands in
// it is only changed when somebody writes, so that nothing is lost by looking.

import Squire from "../vendor/squire-rte/squire.mjs";
import { word } from "./ieum.js";

const KEPT = new Set([
  "H2", "H3", "H4", "H5", "P", "BR", "HR", "DIV", "BLOCKQUOTE", "PRE", "CODE", "UL", "OL", "LI", "A",
  "B", "STRONG", "I", "EM", "U", "S", "MARK", "SUB", "SUP", "TABLE", "CAPTION", "THEAD", "TBODY",
  "TFOOT", "TR", "TH", "TD", "RUBY", "RT", "RP",
]);
const ATTRIBUTES = { A: ["href"], TH: ["colspan", "rowspan", "scope"], TD: ["colspan", "rowspan"] };
const GONE = new Set(["SCRIPT", "STYLE", "TEMPLATE", "IFRAME", "OBJECT", "SVG", "MATH", "TITLE", "META", "LINK"]);
const SAFE = /^(https?:|mailto:|tel:|#|\/)/i;

for (const room of document.querySelectorAll("[data-writing]")) begin(room);

/** The HTML as nodes, without anything that the server would take out anyway. */
function clean(html) {
  const body = new DOMParser().parseFromString(html, "text/html").body;
  const fragment = document.createDocumentFragment();
  for (const node of [...body.childNodes]) copy(node, fragment);
  return fragment;
}

function copy(node, into) {
  if (node.nodeType === Node.TEXT_NODE) { into.append(node.data); return; }
  if (node.nodeType !== Node.ELEMENT_NODE || GONE.has(node.nodeName.toUpperCase())) return;
  let place = into;
  const name = node.nodeName === "H1" ? "H2" : node.nodeName;
  if (KEPT.has(name)) {
    place = document.createElement(name);
    for (const key of ATTRIBUTES[name] ?? []) {
      const value = node.getAttribute(key);
      if (value !== null && (key !== "href" || SAFE.test(value.trim()))) place.setAttribute(key, value);
    }
    into.append(place);
  }
  for (const child of [...node.childNodes]) copy(child, place);
}

function begin(room) {
  const source = room.querySelector("textarea");
  const view = room.querySelector(".writing");
  const bar = room.querySelector("[role=toolbar]");
  const turn = room.querySelector("[data-source]");
  const editor = new Squire(view, { blockTag: "P", sanitizeToDOMFragment: clean, addLinks: false });
  let loading = false;

  const load = () => { loading = true; editor.setHTML(source.value); loading = false; };
  const written = () => {
    const html = editor.getHTML().replace(/(<(p|div)>(<br>)?<\/\2>)+$/, "");
    return view.textContent.trim() ? html : "";
  };
  const showing = (raw) => {
    source.hidden = !raw;
    view.hidden = raw;
    turn.setAttribute("aria-pressed", String(raw));
    for (const one of bar.querySelectorAll("button")) {
      if (raw) one.setAttribute("aria-disabled", "true");
      else one.removeAttribute("aria-disabled");
    }
  };

  load();
  bar.hidden = false;
  turn.hidden = false;
  showing(false);
  editor.addEventListener("input", () => { if (!loading) source.value = written(); });
  turn.addEventListener("click", () => {
    const raw = !view.hidden;
    if (!raw) load();
    showing(raw);
    (raw ? source : view).focus();
  });
  room.querySelector("label").addEventListener("click", (event) => {
    if (view.hidden) return;
    event.preventDefault();
    view.focus();
  });

  const block = (tag) => editor.modifyBlocks((fragment) => {
    const out = document.createDocumentFragment();
    const on = editor.hasFormat(tag);
    for (const node of [...fragment.childNodes]) {
      if (!/^(P|H[2-5]|DIV)$/.test(node.nodeName)) { out.append(node); continue; }
      const made = document.createElement(on ? "P" : tag);
      made.append(...node.childNodes);
      out.append(made);
    }
    return out;
  });
  const acts = {
    h2: () => block("H2"),
    h3: () => block("H3"),
    bold: () => (editor.hasFormat("B") ? editor.removeBold() : editor.bold()),
    italic: () => (editor.hasFormat("I") ? editor.removeItalic() : editor.italic()),
    ul: () => (editor.hasFormat("UL") ? editor.removeList() : editor.makeUnorderedList()),
    ol: () => (editor.hasFormat("OL") ? editor.removeList() : editor.makeOrderedList()),
    quote: () => (editor.hasFormat("BLOCKQUOTE") ? editor.decreaseQuoteLevel() : editor.increaseQuoteLevel()),
    link: () => link(),
    plain: () => editor.removeAllFormatting(),
    undo: () => editor.undo(),
    redo: () => editor.redo(),
  };
  function link() {
    const now = editor.getSelection().startContainer.parentElement?.closest("a")?.getAttribute("href") ?? "https://";
    const asked = prompt(word("link", {}, room), now);
    if (asked === null) return;
    const address = asked.trim();
    if (!address || address === "https://") editor.removeLink();
    else if (SAFE.test(address)) editor.makeLink(address);
  }
  editor.setKeyHandler(/Mac/.test(navigator.platform) ? "Meta-k" : "Ctrl-k", (_self, event) => {
    event.preventDefault();
    link();
  });
  // Tab leaves the box, as everywhere on the page; in a list it makes a level.
  const leaves = (event) => !editor.hasFormat("LI") && event;
  for (const key of ["Tab", "Shift-Tab"]) {
    editor.setKeyHandler(key, (self, event) => {
      if (leaves(event)) return;
      event.preventDefault();
      if (key === "Tab") self.increaseListLevel();
      else self.decreaseListLevel();
    });
  }

  bar.addEventListener("mousedown", (event) => event.preventDefault()); // the selection stays
  bar.addEventListener("click", (event) => {
    const button = event.target.closest("[data-write]");
    if (!button || view.hidden) return;
    acts[button.dataset.write]();
    source.value = written();
    mark();
  });
  bar.addEventListener("keydown", (event) => {
    const buttons = [...bar.querySelectorAll("button")];
    const at = buttons.indexOf(document.activeElement);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    const next = buttons[(to + buttons.length) % buttons.length];
    for (const one of buttons) one.tabIndex = one === next ? 0 : -1;
    next.focus();
  });

  const marks = { h2: "H2", h3: "H3", bold: "B", italic: "I", ul: "UL", ol: "OL", quote: "BLOCKQUOTE", link: "A" };
  function mark() {
    for (const [name, tag] of Object.entries(marks)) {
      bar.querySelector(`[data-write=${name}]`).setAttribute("aria-pressed", String(editor.hasFormat(tag)));
    }
  }
  editor.addEventListener("pathChange", mark);
  editor.addEventListener("select", mark);
}
