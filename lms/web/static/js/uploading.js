// Forms with files: how far they are, and nothing lost when the server or the network says no.
// Without this file the same form is sent by the browser itself.

import { word } from "./ieum.js";

const MEGA = 1 << 20;

for (const form of document.querySelectorAll("form[data-upload]")) begin(form);

function begin(form) {
  const progress = form.querySelector("[data-progress]");
  const bar = progress.querySelector("progress");
  const said = progress.querySelector("[data-progress-text]");
  const refusal = form.querySelector("[data-refusal]");
  const stop = progress.querySelector("[data-stop]");
  let sending = null;

  const say = (key, values) => { said.textContent = word(key, values, progress); };
  const files = () => [...form.querySelectorAll("input[type=file]")].flatMap((one) => [...one.files]);
  const size = (bytes) => (bytes / MEGA).toFixed(bytes < 10 * MEGA ? 1 : 0);

  function refuse(text, fields = {}) {
    for (const one of form.querySelectorAll(".field")) one.classList.remove("wrong");
    for (const line of form.querySelectorAll(".field > .error[id^=f-]")) line.hidden = true;
    for (const [name, sentence] of Object.entries(fields)) {
      const line = document.getElementById(`f-${name}-error`);
      if (!line) continue;
      line.hidden = false;
      line.lastElementChild.textContent = sentence;
      line.closest(".field").classList.add("wrong");
      form.elements[name]?.setAttribute?.("aria-invalid", "true");
    }
    refusal.hidden = !text;
    refusal.querySelector("p").textContent = text;
    if (text) refusal.focus();
  }

  function end() {
    progress.hidden = true;
    sending = null;
    delete form.dataset.sent;
    for (const button of form.querySelectorAll("[type=submit]")) button.removeAttribute("aria-disabled");
  }

  /** What arrived is named to the next attempt, so that it need not be sent twice. */
  function hold(held) {
    for (const [name, one] of Object.entries(held)) {
      form.elements[`held-${name}`].value = one.ticket;
      form.elements[name].value = "";
      const line = form.querySelector(`[data-held-line="${name}"]`);
      line.hidden = false;
      line.querySelector("[data-held-name]").textContent = one.name;
    }
  }

  function done(request) {
    let body = {};
    try { body = JSON.parse(request.responseText); } catch { /* a proxy's own page */ }
    if (request.status >= 200 && request.status < 300 && body.go) {
      location.assign(body.go);
      return;
    }
    end();
    hold(body.held ?? {});
    const fields = body.error?.fields ?? {};
    // What somebody else changed is looked at first: saving again is then meant.
    if (body.revision !== undefined && form.elements.revision && request.status === 409) {
      form.elements.revision.value = body.revision;
    }
    refuse(body.error?.message ?? word("lost", {}, progress), fields);
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (sending) return;
    const limit = Number(form.dataset.limit) * MEGA;
    const large = files().find((file) => file.size > limit);
    if (large) {
      delete form.dataset.sent;
      refuse(word("large", { name: large.name, size: size(large.size), limit: form.dataset.limit }, progress));
      return;
    }
    refuse("");
    const told = new FormData(form, event.submitter);
    const all = files().reduce((sum, file) => sum + file.size, 0);
    const request = new XMLHttpRequest();
    sending = request;
    request.open("POST", form.action);
    request.setRequestHeader("Accept", "application/json");
    request.upload.addEventListener("progress", (told_) => {
      const permille = told_.lengthComputable ? told_.loaded / told_.total : 0;
      bar.value = permille * 100;
      if (permille >= 1) say("checking");
      else say("sending", { percent: `${Math.floor(permille * 100)}%`, sent: size(told_.loaded), all: size(told_.total) });
    });
    request.addEventListener("load", () => done(request));
    request.addEventListener("error", () => { end(); refuse(word("lost", {}, progress)); });
    request.addEventListener("abort", () => { end(); refuse(word("stopped", {}, progress)); });
    progress.hidden = all < MEGA / 4;
    bar.value = 0;
    for (const button of form.querySelectorAll("[type=submit]")) button.setAttribute("aria-disabled", "true");
    request.send(told);
  });

  stop.addEventListener("click", () => sending?.abort());
}
