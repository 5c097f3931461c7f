// A page or a file that is read: after long enough in sight it is told to the server, which counts
// by its own clock whether to believe it. The button does the same, with or without this script.

import { word } from "./ieum.js";
import { refreshStanding } from "./standing.js";

function read(form) {
  const said = form.querySelector("[data-said]");
  const button = form.querySelector("button[type=submit]");
  const say = (key, values = {}) => { said.textContent = word(key, values, form); };
  let left = Number(form.dataset.seconds);
  let busy = false;
  let done = false;

  const post = (address) => fetch(address, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json" },
    body: "{}",
  });

  // The page's own request noted the time as well; this one makes sure, and changes nothing then.
  post(form.dataset.launched).catch(() => {});

  async function tell() {
    if (busy || done) return;
    busy = true;
    try {
      const answer = await post(form.action);
      const body = await answer.json().catch(() => ({}));
      if (answer.ok) finish(body);
      else if (answer.status === 401) signedOut();
      else if (body.error?.code === "too_soon") wait(Number(answer.headers.get("Retry-After")) || 5, "soon");
      else if (answer.status === 503) wait(Number(answer.headers.get("Retry-After")) || 5, "waiting");
      else { done = true; said.textContent = body.error?.message ?? ""; }
    } catch {
      wait(10, "waiting"); // no network: the time read so far is the server's to know
    } finally {
      busy = false;
    }
  }

  function wait(seconds, key) {
    left = seconds;
    say(key, { n: seconds });
  }

  function signedOut() {
    const link = document.createElement("a");
    link.href = form.dataset.signIn;
    link.textContent = word("signed_out", {}, form);
    said.replaceChildren(link);
    left = 30; // signed in again in another window, it goes on here by itself
  }

  function finish(body) {
    done = true;
    button.hidden = true;
    say("done", { time: body.saved_at });
    if (body.state?.completed && body.state.certificate_url) {
      const link = document.createElement("a");
      link.className = "btn";
      link.href = body.state.certificate_url;
      link.textContent = word("certificate", {}, form);
      said.textContent = word("completed", {}, form);
      form.append(link);
    }
    said.prepend(button.querySelector("svg"), " ");
    refreshStanding();
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    delete form.dataset.sent;
    tell();
  });

  const tick = setInterval(() => {
    if (done) { clearInterval(tick); return; }
    if (document.visibilityState !== "visible" || busy) return;
    left -= 1;
    if (left > 0) {
      if (left % 5 === 0 || left < 5) say("left", { n: left });
    } else {
      tell();
    }
  }, 1000);
  if (left > 0) say("left", { n: left });
}

const form = document.querySelector("form[data-reading]");
if (form) read(form);
