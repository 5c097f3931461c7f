// What of a video is covered, as the server said it last: the bar, the sums, the ways to the gaps.

const SMALLEST_GAP = 2000; // shorter ones are nobody's business

/** “06:42”, or “1:06:42” from an hour on. */
export function mmss(ms) {
  const seconds = Math.floor(ms / 1000);
  const two = (n) => String(n).padStart(2, "0");
  const rest = `${two(Math.floor((seconds % 3600) / 60))}:${two(seconds % 60)}`;
  return seconds >= 3600 ? `${Math.floor(seconds / 3600)}:${rest}` : rest;
}

/**
 * intervals: disjoint [from, until) pairs in milliseconds, in order. need: permille that is enough.
 * card: the element that shows them, or null. say(key, values): a word of the page. fallback: where
 * the focus goes when the gap that had it is gone.
 */
export function createCovered({ intervals, duration, need, card, say, fallback }) {
  const share = (ms) => `${((ms * 100) / duration).toFixed(2)}%`;
  const percent = (value) => `${Math.floor(value / 10)}%`;

  const seen = () => intervals.reduce((sum, [start, until]) => sum + until - start, 0);

  function permille() {
    // As lms.learning.coverage.permille: a second at the end is forgiven.
    const tolerance = Math.min(1000, Math.floor(duration / 20));
    return seen() >= duration - tolerance ? 1000 : Math.floor((seen() * 1000) / duration);
  }

  const enough = () => permille() >= need;

  function gaps() {
    const found = [];
    let reached = 0;
    for (const [start, until] of [...intervals, [duration, duration]]) {
      if (start - reached >= SMALLEST_GAP) found.push([reached, start]);
      reached = Math.max(reached, until);
    }
    return found;
  }

  function show() {
    const parts = card.querySelector("[data-covered-parts]");
    parts.replaceChildren(...intervals.map(([start, until]) => {
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
      const address = new URL(location.href);
      address.searchParams.set("at", start);
      link.className = "btn second small";
      link.href = address.pathname + address.search;
      link.dataset.seek = start;
      link.textContent = say("gap", { time: mmss(start) });
      return link;
    }));
    if (focused) (row.firstElementChild ?? fallback).focus();
  }

  return {
    gaps,
    enough,
    covers: (ms) => intervals.some(([start, until]) => start <= ms && ms < until),
    /** Where the furthest part ends. */
    end: () => intervals.at(-1)?.[1] ?? 0,
    set(given) {
      intervals = given;
      if (card) show();
    },
  };
}
