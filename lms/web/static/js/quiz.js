// Answers, saved at each change. They wait in the browser until the server has said when it saved
// them; the form carries them all as well, so the quiz works without this script.

import { createQueue, post } from "./queue.js";
import { word } from "./ieum.js";

function take(form) {
  const items = [...form.querySelectorAll("[data-question]")].map((box) => new Item(box, form));
  const byQuestion = new Map(items.map((item) => [item.question, item]));
  const whole = form.querySelector("#quiz-saved");
  const signedOut = form.querySelector("[data-signed-out]");
  const refused = form.querySelector("[data-refused]");
  const dialog = document.getElementById("quiz-unanswered");
  let seq = Number(form.dataset.seq);

  const complain = (text) => {
    refused.querySelector("p").textContent = text;
    refused.hidden = false;
  };

  const queue = createQueue({
    name: `quiz-${form.dataset.quiz}`,
    async send(entries) {
      const body = await post(form.dataset.answers, { answers: entries.map(({ item }) => item) });
      for (const { id, item } of entries) {
        if (body.acked.includes(id)) byQuestion.get(item.question)?.saved(id, body.saved_at);
      }
      mark(whole, word("saved", {}, form), body.saved_at);
      refused.hidden = true;
      return body.acked;
    },
    onChange({ waiting, trouble }) {
      signedOut.hidden = trouble !== "sign_in";
      if (!waiting || !trouble) return;
      const text = word(trouble === "sign_in" ? "signed_out" : "waiting", {}, form);
      mark(whole, text, "", true);
      for (const { item } of queue.entries()) byQuestion.get(item.question)?.waits(text);
    },
    onHeld() {
      signedOut.scrollIntoView({ block: "nearest" });
    },
    onRefused(entries, error) {
      complain(word("refused", { why: error.message }, form));
    },
  });

  async function keep(item) {
    const value = item.value();
    if (!item.changed(value)) return;
    seq += 1;
    const id = crypto.randomUUID?.() ?? uuid();
    const older = queue.entries().filter((entry) => entry.item.question === item.question);
    item.latest = id;
    item.busy();
    count();
    // The new one is on the disk before the one it replaces leaves it.
    const sent = queue.put(id, { id, seq, question: item.question, value });
    if (older.length) queue.drop(older.map((entry) => entry.id));
    await sent;
  }

  function count() {
    const answered = items.filter((item) => item.answered).length;
    form.querySelector("[data-answered]").textContent =
      word("answered", { n: answered, all: items.length }, form);
    form.querySelector(".quiz-bar progress")?.setAttribute("value", String(answered));
    for (const [index, item] of items.entries()) {
      const link = form.querySelector(`.item-map a[href="#${CSS.escape(item.box.id)}"]`);
      link?.classList.toggle("answered", item.answered);
      link?.setAttribute("aria-label", word(item.answered ? "there" : "open", { n: index + 1 }, form));
    }
    return items.length - answered;
  }

  for (const item of items) item.watch(keep);

  form.addEventListener("submit", (event) => {
    refused.hidden = true;
    if (!navigator.onLine) {
      event.preventDefault();
      dialog?.close();
      complain(word("offline", {}, form));
      refused.scrollIntoView({ block: "center" });
      return;
    }
    const missing = count();
    if (missing && dialog && !("anyway" in (event.submitter?.dataset ?? {}))) {
      event.preventDefault();
      dialog.querySelector("[data-unanswered]").textContent = word("missing", { n: missing }, form);
      dialog.showModal();
    }
  });

  // What an earlier page could not send stands in the form again, and goes out now.
  queue.ready.then(() => {
    for (const { id, item } of queue.entries()) {
      seq = Math.max(seq, item.seq);
      const shown = byQuestion.get(item.question);
      if (!shown) continue;
      shown.show(item.value);
      shown.latest = id;
    }
    count();
    queue.flush();
  });
}

class Item {
  constructor(box, form) {
    this.box = box;
    this.form = form;
    this.question = box.dataset.question.replace(/^a-/, "");
    this.inputs = [...box.querySelectorAll("input:not([type=hidden]), textarea")];
    this.text = this.inputs.length === 1 && /^text/.test(this.inputs[0].type) ? this.inputs[0] : null;
    if (this.text) this.text.maxLength = this.text.type === "textarea" ? 4000 : 500;
    this.said = JSON.stringify(this.value());
  }

  value() {
    if (this.text) return this.text.value.trim() ? [this.text.value] : [];
    return this.inputs.filter((input) => input.checked).map((input) => input.value);
  }

  get answered() { return this.value().length > 0; }

  changed(value) {
    const text = JSON.stringify(value);
    const is = text !== this.said;
    this.said = text;
    return is;
  }

  show(value) {
    if (this.text) this.text.value = value[0] ?? "";
    else for (const input of this.inputs) input.checked = value.includes(input.value);
    this.said = JSON.stringify(this.value());
  }

  watch(keep) {
    let timer = 0;
    const now = () => { clearTimeout(timer); keep(this); };
    this.box.addEventListener("change", now);
    if (!this.text) return;
    this.text.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(now, 900); });
    // Enter in a line of text would submit the whole quiz.
    this.text.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.isComposing) { event.preventDefault(); now(); }
    });
  }

  get mark() { return this.box.querySelector("[data-saved]"); }

  busy() { this.mark.hidden = true; }

  waits(text) { mark(this.mark, text, "", true); }

  saved(id, at) {
    // Changed again meanwhile: the newer answer has its own acknowledgement to come.
    if (id === this.latest) mark(this.mark, word("saved", {}, this.form), at);
  }
}

function mark(box, text, time, failed = false) {
  box.hidden = false;
  box.classList.toggle("failed", failed);
  // A tick beside what is not saved would say the opposite.
  const icon = box.querySelector("use");
  icon?.setAttribute("href", icon.getAttribute("href").replace(/#.*/, failed ? "#device" : "#check"));
  box.querySelector("[data-saved-text]").textContent = text;
  box.querySelector("[data-saved-at]").textContent = time;
}

// Where the page came by plain http, browsers keep randomUUID away.
function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

const form = document.querySelector("form[data-quiz]");
if (form) take(form);

// A submitted attempt takes no more: what may still wait for it in this browser is let go.
for (const done of document.querySelectorAll("[data-quiz-done]")) {
  const left = createQueue({ name: `quiz-${done.dataset.quizDone}`, send: async () => [] });
  left.ready.then(() => left.drop(left.entries().map(({ id }) => id)));
}
