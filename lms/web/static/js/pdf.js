// A PDF shown in place: pages drawn as they come into sight, with their text over them for search,
// selection and screen readers. The file itself is always one click away.

import { word } from "./ieum.js";

const VENDOR = new URL("../vendor/pdfjs-dist/", import.meta.url);
const ZOOMS = [50, 75, 100, 125, 150, 200, 300];

for (const reader of document.querySelectorAll("[data-pdf]")) show(reader);

async function show(reader) {
  const room = reader.querySelector(".reader-pages");
  try {
    const pdfjs = await import(new URL("pdf.min.mjs", VENDOR));
    pdfjs.GlobalWorkerOptions.workerSrc = new URL("pdf.worker.min.mjs", VENDOR).href;
    const document = await pdfjs.getDocument({
      url: reader.dataset.pdf,
      cMapUrl: new URL("cmaps/", VENDOR).href,
      cMapPacked: true,
      wasmUrl: new URL("wasm/", VENDOR).href,
      // The page's policy allows neither eval nor WebAssembly.
      isEvalSupported: false,
      useWasm: false,
      withCredentials: false,
    }).promise;
    await new Pages(pdfjs, document, reader, room).open();
  } catch (error) {
    const sorry = globalThis.document.createElement("p");
    sorry.className = "reader-text";
    sorry.setAttribute("role", "alert");
    sorry.textContent = word("failed", {}, reader);
    room.replaceChildren(sorry);
    console.warn("pdf", error?.name ?? error);
  }
}

class Pages {
  constructor(pdfjs, pdf, reader, room) {
    Object.assign(this, { pdfjs, pdf, reader, room, zoom: 100, at: 1, drawn: new Map() });
  }

  async open() {
    const first = await this.pdf.getPage(1);
    this.first = first.getViewport({ scale: 1 });
    this.boxes = [];
    for (let number = 1; number <= this.pdf.numPages; number += 1) {
      const box = document.createElement("div");
      box.className = "reader-page waiting";
      box.dataset.page = String(number);
      box.textContent = word("page", { n: number }, this.reader);
      this.boxes.push(box);
    }
    this.room.replaceChildren(...this.boxes);
    this.room.setAttribute(
      "aria-label",
      word("pages", { title: this.reader.dataset.title, n: this.pdf.numPages }, this.reader),
    );
    this.reader.querySelector("[data-of]").textContent = word("of", { n: this.pdf.numPages }, this.reader);
    for (const hidden of this.reader.querySelectorAll(".reader-bar [hidden]")) hidden.hidden = false;
    this.layOut();
    this.watch();
    this.bind();
    this.tell(1);
  }

  // The width that fits, times the zoom; a page wider than the room is scrolled to.
  get scale() {
    const style = getComputedStyle(this.room);
    const inner = this.room.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    return (Math.min(inner, 960) / this.first.width) * (this.zoom / 100);
  }

  layOut() {
    for (const box of this.boxes) {
      box.style.width = `${Math.floor(this.first.width * this.scale)}px`;
      box.style.maxWidth = this.zoom > 100 ? "none" : "";
    }
  }

  watch() {
    this.near = new IntersectionObserver((entries) => {
      for (const entry of entries) if (entry.isIntersecting) this.draw(Number(entry.target.dataset.page));
    }, { root: this.room, rootMargin: "100% 0px" });
    this.here = new IntersectionObserver((entries) => {
      for (const entry of entries) entry.target.dataset.shown = String(entry.intersectionRatio);
      const most = this.boxes.reduce((best, box) => (Number(box.dataset.shown ?? 0) > Number(best.dataset.shown ?? 0) ? box : best));
      this.tell(Number(most.dataset.page));
    }, { root: this.room, threshold: [0, 0.25, 0.5, 0.75, 1] });
    for (const box of this.boxes) { this.near.observe(box); this.here.observe(box); }
    let width = this.room.clientWidth;
    new ResizeObserver(() => {
      if (Math.abs(this.room.clientWidth - width) < 8) return;
      width = this.room.clientWidth;
      this.redraw();
    }).observe(this.room);
  }

  async draw(number) {
    const scale = this.scale;
    if (this.drawn.get(number) === scale) return;
    this.drawn.set(number, scale);
    const box = this.boxes[number - 1];
    const page = await this.pdf.getPage(number);
    const viewport = page.getViewport({ scale });
    // Sharp on fine screens, and within what phones can hold.
    const ratio = Math.min(devicePixelRatio || 1, Math.sqrt(16e6 / (viewport.width * viewport.height)));
    const canvas = document.createElement("canvas");
    canvas.width = Math.floor(viewport.width * ratio);
    canvas.height = Math.floor(viewport.height * ratio);
    canvas.setAttribute("aria-hidden", "true"); // the text over it says the same
    await page.render({
      canvas,
      canvasContext: canvas.getContext("2d"),
      viewport,
      transform: ratio === 1 ? null : [ratio, 0, 0, ratio, 0, 0],
    }).promise;
    if (this.drawn.get(number) !== scale) return; // zoomed meanwhile
    const layer = document.createElement("div");
    layer.className = "textLayer";
    const text = new this.pdfjs.TextLayer({ textContentSource: page.streamTextContent(), container: layer, viewport });
    box.style.width = `${Math.floor(viewport.width)}px`;
    box.style.setProperty("--total-scale-factor", String(scale));
    box.style.setProperty("--scale-round-x", "1px");
    box.style.setProperty("--scale-round-y", "1px");
    box.classList.remove("waiting");
    box.setAttribute("role", "group");
    box.setAttribute("aria-label", word("page", { n: number }, this.reader));
    box.replaceChildren(canvas, layer);
    await text.render();
  }

  redraw() {
    this.drawn.clear();
    this.layOut();
    for (const box of this.boxes) { this.near.unobserve(box); this.near.observe(box); }
  }

  tell(number) {
    if (this.at === number && this.told) return;
    this.told = true;
    this.at = number;
    const input = this.reader.querySelector("[data-do=page]");
    if (document.activeElement !== input) input.value = String(number);
    this.reader.querySelector("[data-here]").textContent =
      word("here", { n: number, all: this.pdf.numPages }, this.reader);
  }

  go(number) {
    const to = Math.min(Math.max(1, number), this.pdf.numPages);
    const box = this.boxes[to - 1];
    this.room.scrollTo({ top: box.offsetTop - this.room.offsetTop - 8 });
    this.tell(to);
  }

  size(step) {
    const next = ZOOMS[ZOOMS.indexOf(this.zoom) + step];
    if (!next) return;
    const stay = this.at;
    this.zoom = next;
    this.redraw();
    this.go(stay);
    this.reader.querySelector("[data-here]").textContent = word("size", { n: next }, this.reader);
  }

  bind() {
    const act = {
      previous: () => this.go(this.at - 1),
      next: () => this.go(this.at + 1),
      smaller: () => this.size(-1),
      larger: () => this.size(1),
    };
    this.reader.addEventListener("click", (event) => act[event.target.closest("[data-do]")?.dataset.do]?.());
    const input = this.reader.querySelector("[data-do=page]");
    const jump = () => {
      const number = Number.parseInt(input.value, 10);
      if (number) this.go(number);
      input.value = String(this.at);
    };
    input.addEventListener("change", jump);
    input.addEventListener("keydown", (event) => { if (event.key === "Enter") { event.preventDefault(); jump(); } });
    // Arrows and Page Up/Down scroll as everywhere; these are for whole pages.
    const keys = {
      ArrowLeft: act.previous, ArrowRight: act.next, "+": act.larger, "=": act.larger, "-": act.smaller,
      Home: () => this.go(1), End: () => this.go(this.pdf.numPages),
    };
    this.room.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || !keys[event.key]) return;
      event.preventDefault();
      keys[event.key]();
    });
  }
}
