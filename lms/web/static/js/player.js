// The video player. It reports what was really played; what that is worth is for the server to say.
// Every word comes from the page (data-words).

import { createCovered, mmss } from "./covered.js";
import { toast, word } from "./ieum.js";
import { createReporter } from "./reporter.js";
import { refreshStanding } from "./standing.js";

const END = 1500; // whoever stopped this close to the end is not put there again

const root = document.querySelector("[data-video]");
if (root) start(root);

function start(root) {
  const frame = root.querySelector("[data-player]");
  const video = frame.querySelector("video");
  const control = (name) => frame.querySelector(`[data-do="${name}"]`);
  const say = (key, values) => word(key, values, root);

  const duration = Number(root.dataset.duration);
  const limit = Number(root.dataset.limit);
  const onlyReview = "onlyReview" in root.dataset;
  let freeSkip = "freeSkip" in root.dataset || onlyReview;
  const card = document.getElementById("video-covered-card");
  const covered = createCovered({
    intervals: JSON.parse(root.dataset.coveredPartsOf),
    duration,
    need: Number(root.dataset.need),
    card,
    say,
    fallback: control("play"),
  });

  let completed = "wasCompleted" in root.dataset;
  let left = null; // where a page before this one stopped, if it could not say so itself

  const at = () => Math.round(video.currentTime * 1000);

  const reporter = createReporter({
    video,
    urls: { begin: root.dataset.begin, pings: root.dataset.pings },
    enrolment: Number(root.dataset.enrolment),
    activity: Number(root.dataset.activity),
    review: onlyReview,
    onBegun(begun) {
      freeSkip = freeSkip || begun.free_skip;
      covered.set(begun.covered);
    },
    onAnswer: settle,
    onLeft(ms) { left = ms; },
    onWaiting: showWaiting,
    onHeld: ask,
    onRefused: sayRefused,
    onUnrecorded: () => toast(say("not_recorded")),
  });

  // --- What the server says

  function settle(answer) {
    covered.set(answer.covered);
    showSaved(answer.saved_at);
    if (left !== null && !video.played.length) place(left);
    left = null;
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

  /** How far one may jump ahead, where skipping is closed. */
  function frontier() {
    return Math.max(reporter.reached, covered.end()) + 1000;
  }

  function beyond(ms) {
    return !freeSkip && !covered.enough() && ms > frontier() && !covered.covers(ms);
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
    reporter.giveUp();
    if (chosen === "take" && await reporter.ready({ takeOver: true })) video.play().catch(() => {});
  });

  elsewhere.addEventListener("cancel", () => reporter.giveUp());

  // --- Acts

  async function toggle() {
    if (!video.paused) { video.pause(); return; }
    if (!(await reporter.ready())) return;
    if (video.ended || at() >= duration - 100) go(covered.gaps()[0]?.[0] ?? 0);
    await video.play().catch(() => {});
  }

  function go(ms) {
    let target = Math.max(0, Math.min(ms, duration - 1));
    if (beyond(target)) {
      target = Math.min(target, frontier() - 1000);
      toast(say("no_skip"));
    }
    reporter.jump();
    video.currentTime = target / 1000;
    showPosition();
  }

  function nextGap() {
    const found = covered.gaps();
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

  video.addEventListener("timeupdate", showPosition);
  video.addEventListener("seeked", showPosition);
  video.addEventListener("seeking", () => {
    if (beyond(at())) { // by other means than ours: media keys, a headset
      video.currentTime = (frontier() - 1000) / 1000;
      toast(say("no_skip"));
    }
  });
  video.addEventListener("play", showPlaying);
  video.addEventListener("pause", showPlaying);
  video.addEventListener("ratechange", () => {
    const now = Math.round(video.playbackRate * 100);
    if (now > limit) {
      setSpeed(limit);
      toast(say("too_fast", { speed: limit / 100 }));
    } else if (speeds.includes(now)) speed.value = String(now);
  });
  video.addEventListener("volumechange", () => {
    control("mute").setAttribute("aria-pressed", String(video.muted));
  });
  video.addEventListener("error", () => { root.querySelector("[data-broken]").hidden = false; });
  video.addEventListener("click", toggle);

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
    refreshing = setTimeout(async () => { await refreshStanding(); refreshing = 0; }, now ? 0 : 3000);
  }

  // --- Begin

  const asked = new URL(location.href).searchParams.get("at");
  const resumeAt = Number(asked ?? root.dataset.at);
  const placeFirst = () => place(resumeAt);

  function place(ms) {
    let where = ms >= duration - END ? (covered.gaps()[0]?.[0] ?? 0) : ms;
    // Where the last reports were not taken, go on from what was.
    if (!freeSkip && !covered.enough()) where = Math.min(where, covered.end());
    reporter.stand(where);
    video.currentTime = where / 1000;
    showPosition();
  }

  if (video.readyState >= 1) placeFirst();
  else video.addEventListener("loadedmetadata", placeFirst, { once: true });
  if (video.error) root.querySelector("[data-broken]").hidden = false;
  showPosition();
  showPlaying();
  frame.dataset.ready = "1";
}
