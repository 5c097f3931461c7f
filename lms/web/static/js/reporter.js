// What of a video was really played, and telling it to the server. What it is worth, the server says.

import { createQueue, Held, Later, post, Refused } from "./queue.js";

const EVERY = 10000; // between two reports while it plays
const SOON = 800; // several jumps in a row are told together
const IDLE = 60000; // after this long a pause, ask first whether we still are the one place
const NUDGE = 300; // the picture moves a little before it says that it plays
const KEY = "ieum-session";

/**
 * urls: {begin, pings}. review: nothing is recorded, only shown.
 * onBegun(begun), onAnswer(answer): what the server said. onWaiting, onHeld, onRefused: as in
 * queue.js, the beginning included. onLeft(ms): an earlier page stopped there and could not tell.
 * onUnrecorded(): it plays, and cannot be recorded now.
 */
export function createReporter({
  video, urls, enrolment, activity, review,
  onBegun, onAnswer, onLeft, onWaiting, onHeld, onRefused, onUnrecorded,
}) {
  let session = null; // {token, seq} once the server knows that we play here
  let beginning = null;
  let from = null; // where the part that is playing began
  let last = 0; // the last position that was really played
  let reached = 0; // the furthest one
  let played = []; // parts that are not told yet
  let told = performance.now();
  let soon = 0;
  let warned = false;

  const at = () => Math.round(video.currentTime * 1000);
  const queue = createQueue({ name: `pings-${enrolment}`, send, onChange: onWaiting, onHeld, onRefused });

  async function send(entries) {
    // One token at a time: what an earlier launch left behind is told as what it was.
    const token = entries[0].item.token;
    const mine = entries.filter((entry) => entry.item.token === token);
    try {
      const pings = mine.map((entry) => entry.item.ping);
      const answer = await post(urls.pings, { token, enrolment, pings });
      if (mine.at(-1).item.activity === activity) onAnswer(answer);
      return mine.filter((entry) => answer.acked.includes(entry.item.ping.seq)).map(({ id }) => id);
    } catch (error) {
      const ids = mine.map(({ id }) => id);
      if (error instanceof Held && error.code === "elsewhere" && token !== session?.token) {
        // Another place took over since: nobody can be asked any more.
        throw Object.assign(new Refused("lost", error.told), { ids });
      }
      if (error instanceof Refused) error.ids = ids;
      throw error;
    }
  }

  async function begin(takeOver) {
    await queue.ready;
    const begun = await post(urls.begin, { enrolment, activity, take_over: takeOver, resume: kept() });
    const queued = queue.entries().filter((entry) => entry.item.token === begun.token);
    session = { token: begun.token, seq: Math.max(begun.seq, ...queued.map((entry) => entry.item.ping.seq)) };
    keep(begun.token);
    // What played before the server knew of it is not counted.
    played = [];
    if (from !== null) from = at();
    told = performance.now();
    warned = false;
    onBegun(begun);
    queue.resume(); // earlier launches' reports: taken, or refused once and for all
  }

  /** Make this the place where the person learns; false when something else has to happen first. */
  async function ready({ takeOver = false } = {}) {
    if (review) return true;
    if (session && !takeOver) {
      if (performance.now() - told > IDLE) report("pause"); // are we still the one place?
      return true;
    }
    beginning ??= begin(takeOver).finally(() => { beginning = null; });
    try {
      await beginning;
    } catch (error) {
      if (error instanceof Held) { onHeld(error); return false; }
      if (error instanceof Refused) { onRefused([], error); return false; }
      if (!(error instanceof Later)) throw error;
      if (!warned) onUnrecorded();
      warned = true;
    }
    return true;
  }

  function cut(until) {
    if (from === null) return;
    if (until > from) played.push([from, until]);
    from = until;
  }

  function report(event) {
    clearTimeout(soon);
    soon = 0;
    cut(at());
    told = performance.now();
    if (!session) {
      played = [];
      if (!video.paused && !beginning) ready(); // the network may be there again
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

  video.addEventListener("playing", () => {
    const since = at() - last;
    if (from === null) from = since > 0 && since < NUDGE ? last : at();
    last = at();
    if (!session && !review) report("tick"); // begun by other means than our button
  });
  video.addEventListener("timeupdate", () => {
    if (!video.seeking && from !== null) {
      last = at();
      reached = Math.max(reached, last);
    }
    if (!video.paused && performance.now() - told >= EVERY) report("tick");
  });
  video.addEventListener("seeking", () => {
    cut(last);
    from = null;
    soon ||= setTimeout(() => report("seek"), SOON);
  });
  video.addEventListener("seeked", () => {
    last = at();
    from = video.paused ? null : last;
  });
  video.addEventListener("waiting", () => { cut(at()); from = null; });
  video.addEventListener("ratechange", () => { if (from !== null) report("tick"); });
  video.addEventListener("pause", () => {
    if (from !== null) last = at();
    cut(at());
    from = null;
    report(video.ended ? "end" : "pause");
  });
  // The last moment that is sure to come. A hidden video that plays on goes on counting.
  const leave = () => { if (from !== null || played.length) report("hide"); };
  document.addEventListener("visibilitychange", () => { if (document.visibilityState === "hidden") leave(); });
  window.addEventListener("pagehide", leave);

  queue.ready.then(() => {
    const left = queue.entries().filter((entry) => entry.item.activity === activity).at(-1);
    if (left && !session) onLeft(left.item.ping.position_ms);
    queue.flush();
  });

  return {
    ready,
    /** The furthest position that was played here. */
    get reached() { return reached; },
    /** The picture is about to jump: what played until now ends here. */
    jump() { cut(at()); from = null; },
    /** The picture stands at `ms` without having played up to it. */
    stand(ms) { last = ms; },
    /** Somebody learns in another place; what is not told yet is nobody's. */
    giveUp() { session = null; from = null; played = []; },
  };
}

// The tab's own: a reload is no second device, another tab is.
function kept() {
  try { return sessionStorage.getItem(KEY); } catch { return null; }
}

function keep(token) {
  try { sessionStorage.setItem(KEY, token); } catch { /* a reload will ask; no more */ }
}
