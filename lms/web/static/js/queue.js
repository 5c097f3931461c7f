// What was done and is not on the server yet. Kept in the browser until the server has said that it
// is saved, through reloads and lost networks; sent again under the same id, so it counts once.

const STORE = "items";
const FIRST_WAIT = 2000;
const LONGEST_WAIT = 60000;

/** Not now; try again after `seconds` (null: when it seems right). */
export class Later extends Error {
  constructor(seconds = null) {
    super("later");
    this.seconds = seconds;
  }
}

/** A person has to decide first: sign in, or say which device goes on. */
export class Held extends Error {
  constructor(code, told = {}) {
    super(told.message ?? code);
    this.code = code;
    this.told = told;
  }
}

/** The server will never take it; its sentence says why. */
export class Refused extends Error {
  constructor(code, told = {}) {
    super(told.message ?? code);
    this.code = code;
    this.told = told;
  }
}

/** POST JSON; the answer's JSON, or Later, Held or Refused. */
export async function post(url, body) {
  const text = JSON.stringify(body);
  let answer;
  try {
    answer = await fetch(url, {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      body: text,
      // Goes on after the page is gone; browsers allow it for small bodies only.
      keepalive: text.length < 30000,
    });
  } catch {
    throw new Later();
  }
  if (answer.ok) return answer.json().catch(() => { throw new Later(); });
  const told = await answer.json().then((all) => all.error ?? {}, () => ({}));
  if (answer.status === 401) throw new Held("sign_in", told);
  if (told.code === "elsewhere") throw new Held("elsewhere", told);
  if (answer.status === 429 || answer.status >= 500) {
    const seconds = Number(answer.headers.get("Retry-After"));
    throw new Later(seconds > 0 ? seconds : null);
  }
  throw new Refused(told.code ?? String(answer.status), told);
}

/**
 * A queue named `name`; one name, one order.
 *
 * send(entries)   entries: [{id, item}, …], oldest first. Resolves to the ids that are saved; throws
 *                 Later, Held or Refused (see `post`). A Refused may name the ids in `.ids`.
 * onChange(state) {waiting, trouble}: how many are not saved, and whether sending has failed:
 *                 null, "network", "sign_in" or "elsewhere".
 * onHeld(error)   a person has to decide; sending stands still until `resume()`.
 * onRefused(entries, error)  the server will not have these; they are forgotten.
 */
export function createQueue({ name, send, onChange = () => {}, onHeld = () => {}, onRefused = () => {}, most = 50 }) {
  const disk = openDisk(name);
  const entries = new Map();
  const flying = new Set();
  let wait = FIRST_WAIT;
  let timer = 0;
  let trouble = null;

  const tell = () => onChange({ waiting: entries.size, trouble });

  const ready = disk.all().then((kept) => {
    const begun = [...entries.values()];
    entries.clear();
    for (const entry of [...kept, ...begun]) entries.set(entry.id, entry);
    if (entries.size) tell();
  });

  const forget = (ids) => {
    for (const id of ids) entries.delete(id);
    return disk.remove(ids);
  };

  const retry = (seconds) => {
    clearTimeout(timer);
    timer = setTimeout(flush, seconds ? seconds * 1000 : wait);
    wait = Math.min(wait * 2, LONGEST_WAIT);
  };

  const held = () => trouble === "sign_in" || trouble === "elsewhere";

  /** Send what waits. What is on its way already is not sent a second time beside itself. */
  async function flush() {
    while (!held()) {
      const batch = [...entries.values()].filter((entry) => !flying.has(entry.id)).slice(0, most);
      if (!batch.length) return;
      for (const { id } of batch) flying.add(id);
      try {
        const saved = await send(batch);
        await forget(saved);
        trouble = null;
        wait = FIRST_WAIT;
        tell();
        if (!saved.length) return;
      } catch (error) {
        if (error instanceof Held) {
          const first = !held();
          trouble = error.code;
          tell();
          if (first) onHeld(error);
          return;
        }
        if (error instanceof Refused) {
          const gone = batch.filter(({ id }) => !error.ids || error.ids.includes(id));
          await forget(gone.map(({ id }) => id));
          onRefused(gone, error);
          tell();
          continue;
        }
        trouble = "network";
        tell();
        retry(error instanceof Later ? error.seconds : null);
        return;
      } finally {
        for (const { id } of batch) flying.delete(id);
      }
    }
  }

  const resume = () => {
    trouble = null;
    wait = FIRST_WAIT;
    clearTimeout(timer);
    return flush();
  };

  window.addEventListener("online", () => { if (trouble === "network") resume(); });
  // Signed in again in another window, most likely.
  window.addEventListener("focus", () => { if (trouble === "sign_in") resume(); });

  return {
    /** Resolves once what an earlier page left behind is here too. */
    ready,
    flush,
    resume,
    get waiting() { return entries.size; },
    entries: () => [...entries.values()],
    /** Keep `item` under `id` (a later item of the same id takes its place) and send it. */
    put(id, item, { at_once = true } = {}) {
      const entry = { id, item };
      entries.set(id, entry);
      disk.put(entry);
      if (trouble) tell();
      return at_once ? flush() : Promise.resolve();
    },
    drop: forget,
  };
}

/** IndexedDB, or nothing but memory where the browser has none (private windows). */
function openDisk(name) {
  const opened = new Promise((resolve) => {
    try {
      const asked = indexedDB.open("ieum-queue", 1);
      asked.onupgradeneeded = () => asked.result.createObjectStore(STORE, { keyPath: "key", autoIncrement: true })
        .createIndex("name", "name");
      asked.onsuccess = () => resolve(asked.result);
      asked.onerror = () => resolve(null);
      asked.onblocked = () => resolve(null);
    } catch {
      resolve(null);
    }
  });
  const run = (mode, work) => opened.then((db) => db && new Promise((resolve) => {
    const transaction = db.transaction(STORE, mode);
    const found = work(transaction.objectStore(STORE));
    transaction.oncomplete = () => resolve(found?.result);
    transaction.onerror = transaction.onabort = () => resolve(undefined);
  })).catch(() => undefined);

  const rows = () => run("readonly", (store) => store.index("name").getAll(name));
  // One after another: a removal must not overtake the writing of what it removes.
  let last = Promise.resolve();
  const after = (work) => { last = last.then(work, work); return last; };

  return {
    all: () => after(rows).then((found) => (found ?? []).map(({ id, item }) => ({ id, item }))),
    put: ({ id, item }) => after(async () => {
      const before = (await rows() ?? []).find((row) => row.id === id);
      const row = { name, id, item };
      if (before) row.key = before.key;
      await run("readwrite", (store) => { store.put(row); });
    }),
    remove: (ids) => after(async () => {
      const gone = new Set(ids);
      const keys = (await rows() ?? []).filter((row) => gone.has(row.id)).map((row) => row.key);
      await run("readwrite", (store) => { for (const key of keys) store.delete(key); });
    }),
  };
}
