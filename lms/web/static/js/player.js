// The video player. It reports what was really played; what that is worth is for the server to say.
// Every word comes from the page (data-words).

import { createQueue, Held, post, Refused } from "./queue.js";
import { toast, word } from "./ieum.js";

const EVERY = 10000; // between two reports while it plays
const REPORT_SOON = 800; // several jumps in a row are told together
const SMALLEST_GAP = 2000; // shorter ones are nobody's business
const END = 1500;
const IDLE = 60000; // after this long a pause, ask first whether we still are the one place

const root = document.querySelector("[data-video]");
if (root) start(root);

function start(root) {
  const frame = root.querySelector("[data-player]");
  const video = frame.querySelector("video");
  const control = (name) => frame.querySelector(`[data-do="${name}"]`);
  const say = (key, values) => word(key, values, root);

  const enrolment = Number(root.dataset.enrolment);
  const activity = Number(root.dataset.activity);
  const duration = Number(root.dataset.duration);
  const need = Number(root.dataset.need);
  const limit = Number(root.dataset.limit);
  const onlyReview = "onlyReview" in root.dataset;
  let freeSkip = "freeSkip" in root.dataset || onlyReview;
  let covered = JSON.parse(root.dataset.coveredPartsOf);

  // --- What was played, and telling it

  let session = null; // {token, seq} once the server knows that we play here
  let beginning = null;
  let from = null; // where the part that is playing began
  let last = 0; // the last position that was really played
  let reached = 0; // the furthest one
  let played = []; // parts that are not told yet
  let told = performance.now();
  let reporting = 0;
  let completed = "wasCompleted" in root.dataset;

  const at = () => Math.round(video.currentTime * 1000);

  const queue = createQueue({
    name: `pings-${enrolment}`,
    send,
    onChange: showWaiting,
    onHeld: ask,
    onRefused: sayRefused,
  });

  async function send(entries) {
    // One token at a time: what an earlier launch left behind is told as what it was.
    const token = entries[0].item.token;
    const mine = entries.filter((entry) => entry.item.token === token);
    try {
      const answer = await post(root.dataset.pings, {
        token,
        enrolment,
        pings: mine.map((entry) => entry.item.ping),
      });
      if (mine.at(-1).item.activity === activity) settle(answer);
      return mine.filter((entry) => answer.acked.includes(entry.item.ping.seq)).map(({ id }) => id);
    } catch (error) {
      if (error instanceof Held && error.code === "elsewhere" && token !== session?.token) {
        // Another place took over since: nobody can be asked any more.
        const refused = new Refused("lost", error.told);
        refused.ids = mine.map(({ id }) => id);
        throw refused;
      }
      if (error instanceof Refused) error.ids = mine.map(({ id }) => id);
      throw error;
    }
  }

  async function begin(takeOver = false) {
    await queue.ready;
    const begun = await post(root.dataset.begin, {
      enrolment,
      activity,
      take_over: takeOver,
      resume: kept(),
    });
    const queued = queue.entries().filter((entry) => entry.item.token === begun.token);
    const seq = Math.max(begun.seq, ...queued.map((entry) => entry.item.ping.seq));
    session = { token: begun.token, seq };
    keep(begun.token);
    freeSkip = freeSkip || begun.free_skip;
    // What played before the server knew of it is not counted.
    played = [];
    if (from !== null) from = at();
    told = performance.now();
    showCovered(begun.covered);
    queue.resume(); // earlier launches' reports: taken, or refused once and for all
  }

  /** Make sure that this is the place; false when something else has to happen first. */
  async function ready() {
    if (session || onlyReview) return true;
    beginning ??= begin().finally(() => { beginning = null; });
    try {
      await beginning;
      return true;
    } catch (error) {
      if (error instanceof Held) ask(error);
      else if (error instanceof Refused) sayRefused([], error);
      else toast(say("not_recorded"));
      // Without the network the video itself may still play; it is not recorded, and that was said.
      return !(error instanceof Held || error instanceof Refused);
    }
  }

  function beginQuietly() {
    beginning ??= begin().catch((error) => { if (error instanceof Held) ask(error); })
      .finally(() => { beginning = null; });
  }

  function cut(until) {
    if (from !== null && until > from) played.push([from, until]);
    from = from === null ? null : until;
  }

  function report(event) {
    clearTimeout(reporting);
    reporting = 0;
    if (from !== null) cut(at());
    told = performance.now();
    if (!session) {
      played = [];
      if (!video.paused && !onlyReview) beginQuietly();
      return;
    }
    if (!played.length && event === "tick") return;
    session.seq += 1;
    const ping = {
      seq: session.seq,
      segments: played,
      position_ms: at(),
      rate: Math.round(video.playbackRate * 100),
      event,
      at: new Date().toISOString(),
    };
    played = [];
    queue.put(`${session.token}:${ping.seq}`, { token: session.token, activity, ping });
  }

  function reportSoon(event) {
    if (!reporting) reporting = setTimeout(() => report(event), REPORT_SOON);
  }

  // --- What the server says

  function settle(answer) {
    showCovered(answer.covered);
    showSaved(answer.saved_at);
    if (answer.refused.length) showRefused(answer.refused.at(-1).reason);
    else root.querySelector("[data-refused]").hidden = true;
    const state = answer.state;
    if (state.completed && !completed && answer.settled) celebrate(state);
    if (answer.settled) refreshSoon(state.completed || state.activity_done);
  }

  function celebrate(state) {
    completed = true;
    const notice = root.querySelector("[data-completed]");
    if (state.certificate_url) notice.querySelector("[data-certificate]").href = state.certificate_url;
    notice.hidden = false;
    notice.scrollIntoView({ block: "nearest" });
  }

  // --- What is covered

  const card = document.getElementById("video-covered-card");

  function covers(ms) {
    return covered.some(([start, until]) => start <= ms && ms < until);
  }

  function seen() {
    return covered.reduce((sum, [start, until]) => sum + until - start, 0);
  }

  function gaps() {
    const found = [];
    let reached = 0;
    for (const [start, until] of [...covered, [duration, duration]]) {
      if (start - reached >= SMALLEST_GAP) found.push([reached, start]);
      reached = Math.max(reached, until);
    }
    return found;
  }

  function frontier() {
    return Math.max(reached, covered.at(-1)?.[1] ?? 0) + 1000;
  }

  function enough() {
    return permille() >= need;
  }

  function permille() {
    // As lms.learning.coverage.permille: a second at the end is forgiven.
    const tolerance = Math.min(1000, Math.floor(duration / 20));
    return seen() >= duration - tolerance ? 1000 : Math.floor((seen() * 1000) / duration);
  }

  function showCovered(intervals) {
    covered = intervals;
    if (!card) return;
    const share = (ms) => `${((ms * 100) / duration).toFixed(2)}%`;
    const percent = (value) => `${Math.floor(value / 10)}%`;
    const parts = card.querySelector("[data-covered-parts]");
    parts.replaceChildren(...covered.map(([start, until]) => {
      const rect = document.createElementNS("http://www.w3.org/2000/svg", "rect");
      const attributes = { class: "part", x: share(start), y: 0, width: share(until - start), height: 16 };
      for (const [name, value] of Object.entries(attributes)) rect.setAttribute(name, value);
      return rect;
    }));
    parts.closest("svg").setAttribute("aria-label", say("bar", { seen: mmss(seen()), whole: mmss(duration) }));
    card.querySelector("h3").textContent = say("seen", { percent: percent(permille()) });
    card.querySelector(".section-head .quiet").textContent =
      say(enough() ? "enough" : "not_yet", { percent: percent(need) });
    const [first, second] = card.querySelectorAll(".legend > span");
    first.lastChild.textContent = say("seen_time", { time: mmss(seen()) });
    second.lastChild.textContent = say("gap_time", { time: mmss(Math.max(0, duration - seen())) });
    showGaps();
  }

  function showGaps() {
    const foot = card.querySelector(":scope > .row.between");
    const found = gaps().slice(0, 4);
    let row = foot.querySelector(":scope > .row");
    const before = row ? [...row.children].map((link) => link.dataset.seek).join() : "";
    if (before === found.map(([start]) => start).join()) return; // leave the focus where it is
    const focused = row?.contains(document.activeElement);
    if (!row) {
      row = document.createElement("div");
      row.className = "row";
      foot.append(row);
    }
    row.replaceChildren(...found.map(([start]) => {
      const link = document.createElement("a");
      link.className = "btn second small";
      link.href = `${location.pathname}?activity=${activity}&at=${start}`;
      link.dataset.seek = start;
      link.textContent = say("gap", { time: mmss(start) });
      return link;
    }));
    if (focused) (row.firstElementChild ?? control("play")).focus();
  }

  // --- Around the picture

  const seek = control("seek");
  const clock = frame.querySelector("[data-clock]");
  const dot = card?.querySelector(".here");
  const lines = [...root.querySelectorAll(".lines .line")];
  const saved = frame.querySelector("[data-saved]");
  const text = saved.querySelector("[data-saved-text]");
  const time = saved.querySelector("[data-saved-at]");
  let line = null;
  let seeking = false;

  seek.step = 1;

  function spoken(ms) {
    const seconds = Math.floor(ms / 1000);
    return say("spoken", { minutes: Math.floor(seconds / 60), seconds: seconds % 60 });
  }

  function showPosition() {
    const here = Math.min(at(), duration);
    if (!seeking) seek.value = Math.floor(here / 1000);
    const share = (here * 100) / duration;
    seek.style.setProperty("--seek-at", `${share}%`);
    seek.setAttribute("aria-valuetext", say("at", { whole: spoken(duration), here: spoken(here) }));
    clock.textContent = mmss(here);
    dot?.setAttribute("cx", `${share}%`);
    const now = lines.findLast((each) => Number(each.dataset.seek) <= here) ?? null;
    if (now === line) return;
    line?.removeAttribute("aria-current");
    now?.setAttribute("aria-current", "true");
    line = now;
    const box = now?.parentElement;
    if (box && !video.paused && !box.contains(document.activeElement)) {
      box.scrollTop = now.offsetTop - box.offsetTop - box.clientHeight / 3;
    }
  }

  function showPlaying() {
    const play = control("play");
    play.setAttribute("aria-pressed", String(!video.paused));
    play.setAttribute("aria-label", say(video.paused ? "play" : "pause"));
  }

  function showSaved(at) {
    saved.hidden = false;
    text.textContent = say("saved");
    time.textContent = at;
    time.hidden = false;
  }

  function showWaiting({ waiting, trouble }) {
    if (!trouble || !waiting) return; // on its way, or saved: the answer says so itself
    saved.hidden = false;
    text.textContent = say("waiting", { n: waiting });
    time.hidden = true;
  }

  function showRefused(reason) {
    const notice = root.querySelector("[data-refused]");
    notice.querySelector("[data-refused-text]").textContent = reason;
    notice.hidden = false;
  }

  function sayRefused(entries, error) {
    if (error.code === "lost") {
      toast(say("lost", { n: entries.length }));
      return;
    }
    video.pause();
    showRefused(error.told?.message ?? say("not_recorded"));
  }

  // --- A person decides: another device, or signing in again

  const elsewhere = document.getElementById("video-elsewhere");
  const signIn = document.getElementById("video-sign-in");

  function ask(error) {
    video.pause();
    if (error.code === "sign_in") {
      if (!signIn.open) signIn.showModal();
      return;
    }
    elsewhere.querySelector("[data-device]").textContent = error.told.device ? `(${error.told.device})` : "";
    if (!elsewhere.open) elsewhere.showModal();
  }

  elsewhere.addEventListener("click", async (event) => {
    const chosen = event.target.closest("[data-elsewhere]")?.dataset.elsewhere;
    if (!chosen) return;
    elsewhere.close();
    session = null;
    from = null;
    played = [];
    if (chosen === "leave") return;
    try {
      await begin(true);
    } catch (error) {
      if (error instanceof Held) ask(error);
      else if (error instanceof Refused) sayRefused([], error);
      else toast(say("not_recorded"));
      return;
    }
    video.play().catch(() => {});
  });

  // --- Acts

  async function toggle() {
    if (!video.paused) { video.pause(); return; }
    if (!(await ready())) return;
    if (session && performance.now() - told > IDLE) report("pause"); // are we still the one place?
    if (video.ended || at() >= duration - 100) go(gaps()[0]?.[0] ?? 0);
    await video.play().catch(() => {});
  }

  function go(ms) {
    let target = Math.max(0, Math.min(ms, duration - 1));
    if (!freeSkip && !enough() && target > frontier() && !covers(target)) {
      target = Math.min(target, frontier() - 1000);
      toast(say("no_skip"));
    }
    if (from !== null) cut(at());
    from = null;
    video.currentTime = target / 1000;
    showPosition();
  }

  function nextGap() {
    const found = gaps();
    const next = found.find(([start]) => start > at() + 500) ?? found[0];
    if (!next) { toast(say("no_gap")); return; }
    go(next[0]);
  }

  const speed = control("speed");
  const speeds = [...speed.options].map((option) => Number(option.value));

  function setSpeed(percent) {
    video.playbackRate = percent / 100;
    speed.value = String(percent);
  }

  function faster(by) {
    const now = speeds.indexOf(Math.round(video.playbackRate * 100));
    setSpeed(speeds[Math.max(0, Math.min(speeds.length - 1, (now < 0 ? speeds.indexOf(100) : now) + by))]);
  }

  function mute() {
    video.muted = !video.muted;
    control("mute").setAttribute("aria-pressed", String(video.muted));
  }

  function full() {
    if (document.fullscreenElement) document.exitFullscreen();
    else if (frame.requestFullscreen) frame.requestFullscreen().catch(() => {});
    else video.webkitEnterFullscreen?.();
  }

  // --- Captions under the picture or on it: the page's own line, so that a phone never covers it

  const subtitle = frame.querySelector("[data-subtitle]");
  const track = video.textTracks[0];
  let captions = Boolean(track);
  if (track) {
    track.mode = "hidden";
    track.addEventListener("cuechange", showCaption);
  }

  function showCaption() {
    const cues = captions ? [...(track?.activeCues ?? [])] : [];
    subtitle.textContent = cues.map((cue) => cue.text.replace(/<[^>]*>/g, "")).join("\n");
  }

  function turnCaptions() {
    captions = !captions;
    control("captions")?.setAttribute("aria-pressed", String(captions));
    showCaption();
  }

  // --- The picture tells what happens to it

  video.addEventListener("playing", () => {
    // The picture moved a little before it said so.
    const since = at() - last;
    if (from === null) from = since > 0 && since < 300 ? last : at();
    last = at();
    if (!session) report("tick"); // begun by other means than our button
  });
  video.addEventListener("timeupdate", () => {
    if (!video.seeking && from !== null) {
      last = at();
      reached = Math.max(reached, last);
    }
    showPosition();
    if (!video.paused && performance.now() - told >= EVERY) report("tick");
  });
  video.addEventListener("seeking", () => {
    if (from !== null) cut(last); // a jump by other means than ours: media keys, a headset
    from = null;
    const here = at();
    if (!freeSkip && !enough() && here > frontier() && !covers(here)) {
      video.currentTime = (frontier() - 1000) / 1000;
      toast(say("no_skip"));
    }
    reportSoon("seek");
  });
  video.addEventListener("seeked", () => {
    last = at();
    from = video.paused ? null : last;
    showPosition();
  });
  video.addEventListener("waiting", () => { if (from !== null) { cut(at()); from = null; } });
  video.addEventListener("play", showPlaying);
  video.addEventListener("pause", () => {
    showPlaying();
    if (from !== null) { cut(at()); last = at(); }
    from = null;
    report(video.ended ? "end" : "pause");
  });
  video.addEventListener("ratechange", () => {
    const now = Math.round(video.playbackRate * 100);
    if (now > limit) {
      setSpeed(limit);
      toast(say("too_fast", { speed: limit / 100 }));
    } else if (speeds.includes(now)) speed.value = String(now);
    if (!video.paused) report("tick");
  });
  video.addEventListener("volumechange", () => {
    control("mute").setAttribute("aria-pressed", String(video.muted));
  });
  video.addEventListener("error", () => { root.querySelector("[data-broken]").hidden = false; });
  video.addEventListener("click", toggle);

  document.addEventListener("visibilitychange", () => {
    // The last moment that is sure to come. A hidden video that plays on goes on counting.
    if (document.visibilityState === "hidden" && (from !== null || played.length)) report("hide");
  });
  window.addEventListener("pagehide", () => { if (from !== null || played.length) report("hide"); });

  // --- Buttons, lines of the transcript, gaps

  const acts = {
    play: toggle,
    back: () => go(at() - 10000),
    forward: () => go(at() + 10000),
    mute,
    captions: turnCaptions,
    full,
  };
  frame.addEventListener("click", (event) => acts[event.target.closest("button[data-do]")?.dataset.do]?.());
  speed.addEventListener("change", () => setSpeed(Number(speed.value)));
  seek.addEventListener("input", () => { seeking = true; clock.textContent = mmss(seek.value * 1000); });
  seek.addEventListener("change", () => { seeking = false; go(seek.value * 1000); });

  document.addEventListener("click", async (event) => {
    const target = event.target.closest("[data-seek]");
    if (!target || event.metaKey || event.ctrlKey) return;
    event.preventDefault();
    go(Number(target.dataset.seek));
    if (target.matches("a") && video.paused) await toggle();
  });

  const keys = {
    " ": toggle,
    k: toggle,
    ArrowLeft: () => go(at() - 5000),
    ArrowRight: () => go(at() + 5000),
    j: () => go(at() - 10000),
    l: () => go(at() + 10000),
    n: nextGap,
    c: turnCaptions,
    "<": () => faster(-1),
    ">": () => faster(1),
    f: full,
    m: mute,
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || document.querySelector("dialog[open]")) return;
    const on = event.target;
    if (on.closest("input:not([type=range]), select, textarea, [contenteditable], [role=tab]")) return;
    if (event.key === " " && on.closest("button, a, summary, .lines")) return;
    const act = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!act || (event.repeat && act === toggle)) return;
    event.preventDefault();
    act();
  });

  // --- The rest of the page, after something was settled

  let refreshing = 0;

  function refreshSoon(now) {
    if (refreshing && !now) return;
    clearTimeout(refreshing);
    refreshing = setTimeout(async () => { await refresh(); refreshing = 0; }, now ? 0 : 3000);
  }

  async function refresh() {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => null);
    if (!answer?.ok || answer.redirected) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of ["#standing", ".page-header"]) {
      const old = document.querySelector(part);
      const fresh = page.querySelector(part);
      if (!old || !fresh || old.innerHTML === fresh.innerHTML || old.contains(document.activeElement)) continue;
      for (const details of fresh.querySelectorAll("details[id]")) {
        details.open = document.getElementById(details.id)?.open ?? details.open;
      }
      old.replaceWith(document.importNode(fresh, true));
    }
  }

  // --- Begin

  function kept() {
    try { return sessionStorage.getItem("ieum-session"); } catch { return null; }
  }

  function keep(token) {
    try { sessionStorage.setItem("ieum-session", token); } catch { /* a reload will ask; no more */ }
  }

  const asked = new URL(location.href).searchParams.get("at");
  const resumeAt = Number(asked ?? root.dataset.at);
  const place = () => {
    let where = resumeAt >= duration - END ? (gaps()[0]?.[0] ?? 0) : resumeAt;
    // Where the last reports were not taken, go on from what was.
    if (!freeSkip && !enough()) where = Math.min(where, covered.at(-1)?.[1] ?? 0);
    last = where;
    if (where) video.currentTime = where / 1000;
    showPosition();
  };
  if (video.readyState >= 1) place();
  else video.addEventListener("loadedmetadata", place, { once: true });
  if (video.error) root.querySelector("[data-broken]").hidden = false;
  showPosition();
  showPlaying();
  queue.ready.then(() => queue.flush());
  frame.dataset.ready = "1";
}

/** “06:42”, or “1:06:42” from an hour on. */
function mmss(ms) {
  const seconds = Math.floor(ms / 1000);
  const two = (n) => String(n).padStart(2, "0");
  const rest = `${two(Math.floor((seconds % 3600) / 60))}:${two(seconds % 60)}`;
  return seconds >= 3600 ? `${Math.floor(seconds / 3600)}:${rest}` : rest;
}
