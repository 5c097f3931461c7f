// Following the statements as they come. It begins when it is asked to, pauses when asked or when
// the page is out of sight, and ends by itself, since looking is logged and nobody may be there.
import { word } from "./ieum.js";

const EVERY = 4_000;
const LONGEST = 600_000;
const MOST_ROWS = 200;

const box = document.querySelector("[data-tail]");
const tools = box?.querySelector("[data-tail-tools]");
if (tools) follow(tools);

function follow(tools) {
  const list = box.querySelector("[data-tail-list]");
  const body = list.querySelector("tbody");
  const said = tools.querySelector("[data-tail-said]");
  const turn = tools.querySelector("[data-tail-turn]");
  const aloud = tools.querySelector("[data-tail-aloud]");
  let newest = box.dataset.newest;
  let came = 0;
  let began = 0;
  let timer = 0;
  let round = 0; // an answer that comes after a pause belongs to an earlier one

  const say = (key) => { said.textContent = word(key, { n: came }, box); };

  function stop(why) {
    clearTimeout(timer);
    timer = 0;
    round += 1;
    turn.setAttribute("aria-pressed", "false");
    turn.textContent = word("start", {}, box);
    if (why) say(why);
    else said.textContent = came ? word("came", { n: came }, box) : "";
  }

  function start() {
    began = Date.now();
    turn.setAttribute("aria-pressed", "true");
    turn.textContent = word("pause", {}, box);
    say(came ? "came" : "waiting");
    look();
  }

  async function look() {
    timer = setTimeout(look, EVERY);
    if (Date.now() - began > LONGEST) { stop("stopped"); return; }
    if (document.hidden) return;
    const mine = round;
    try {
      const address = new URL(box.dataset.tail, location.href);
      address.searchParams.set("after", newest);
      const answer = await fetch(address, { headers: { Accept: "application/json" } });
      if (answer.status === 401 || answer.redirected) { location.reload(); return; }
      if (!answer.ok) throw new Error(String(answer.status));
      const told = await answer.json();
      if (round !== mine) return;
      newest = told.newest;
      show(told.lines);
    } catch {
      if (round === mine) say("lost");
    }
  }

  function show(lines) {
    const made = document.createElement("template");
    made.innerHTML = `<table><tbody>${lines}</tbody></table>`;
    const fresh = [...made.content.querySelectorAll("tr")].filter(
      (row) => !document.getElementById(row.id),
    );
    for (const row of fresh) row.classList.add("records-new");
    body.prepend(...fresh);
    while (body.rows.length > MOST_ROWS) body.rows[body.rows.length - 1].remove();
    came += fresh.length;
    if (fresh.length) {
      list.hidden = false;
      box.querySelector("[data-tail-empty]")?.remove();
    }
    say(came ? "came" : "waiting");
  }

  turn.addEventListener("click", () => (timer ? stop() : start()));
  aloud.addEventListener("change", () => {
    said.setAttribute("aria-live", aloud.checked ? "polite" : "off");
  });
  tools.hidden = false;
}
