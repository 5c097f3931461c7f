// Lighthouse on the pages where people spend their days: `make run`, then, in another terminal,
//
//     npm install --prefix /tmp/lighthouse lighthouse
//     node tools/lighthouse.mjs --lighthouse /tmp/lighthouse
//
// Prints a table and, under it, what keeps a page below 95; exits 1 when one is below. No part of
// `make test`: it needs Node and a Chromium, and its performance figures hang on the machine. Leave
// that alone meanwhile: fonts that arrive before a late first paint are reckoned as if it had waited
// for them, which costs a good page 15 points.

import { accessSync, constants, mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

const ENOUGH = 95;
const CATEGORIES = ["performance", "accessibility", "best-practices"];
const PASSWORD = "ieum-demo-2026";
const USAGE = `node tools/lighthouse.mjs [options]
  --lighthouse FOLDER   where \`npm install --prefix FOLDER lighthouse\` put it (.)
  --base URL            the demo (http://localhost:8000)
  --runs N              runs a page; the one with the median performance counts (3)
  --throttling METHOD   simulate (Lighthouse's default: reckoned) or devtools (really slowed down)
  --only WORD           only pages whose name contains the word
  --reports FOLDER      keeps Lighthouse's HTML reports there
CHROME_PATH names the browser when it is not found on the PATH.`;

const { values: options } = parseArgs({
  options: {
    lighthouse: { type: "string", default: "." },
    base: { type: "string", default: "http://localhost:8000" },
    runs: { type: "string", default: "3" },
    throttling: { type: "string", default: "simulate" },
    only: { type: "string", default: "" },
    reports: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
if (options.help) {
  console.log(USAGE);
  process.exit(0);
}
const runs = Number(options.runs);
if (!(Number.isInteger(runs) && runs > 0)) stop(`--runs ${options.runs} is not a number of runs.`);
const base = options.base.replace(/\/+$/, "");

function stop(sentence) {
  console.error(sentence);
  process.exit(2);
}

function browserPath() {
  if (process.env.CHROME_PATH) return process.env.CHROME_PATH;
  for (const name of ["chromium", "chromium-browser", "google-chrome", "chrome"]) {
    for (const folder of (process.env.PATH ?? "").split(delimiter)) {
      try {
        accessSync(join(folder, name), constants.X_OK);
        return join(folder, name);
      } catch {
        continue;
      }
    }
  }
  return stop("No Chromium on the PATH: name one by CHROME_PATH.");
}

/** Lighthouse and the puppeteer-core that it brings, from the folder outside the repository. */
async function tools() {
  try {
    const inFolder = createRequire(join(resolve(options.lighthouse), "package.json"));
    const path = inFolder.resolve("lighthouse");
    const [{ default: lighthouse }, { default: puppeteer }] = await Promise.all([
      import(pathToFileURL(path)),
      import(pathToFileURL(createRequire(path).resolve("puppeteer-core"))),
    ]);
    return { lighthouse, puppeteer };
  } catch (error) {
    if (error.code !== "MODULE_NOT_FOUND") throw error;
    return stop(`No Lighthouse in ${options.lighthouse}: npm install --prefix FOLDER lighthouse`);
  }
}

/** A page of a browser profile of its own where the account is signed in. */
async function signedIn(browser, login) {
  const page = await (await browser.createBrowserContext()).newPage();
  await page.goto(`${base}/sign-in`).catch(() => stop(`Nothing answers at ${base}: make run`));
  await page.type("input[name=login]", login);
  await page.type("input[name=password]", PASSWORD);
  await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
  if (new URL(page.url()).pathname !== "/") stop(`${login} could not sign in at ${base}.`);
  return page;
}

/** The paths that the page at `path` links to and the pattern matches, each once. */
async function links(page, path, pattern) {
  await page.goto(base + path);
  const found = await page.$$eval("a[href]", (all) => all.map((a) => a.getAttribute("href")));
  return [...new Set(found)].filter((href) => pattern.test(href));
}

/** The first enrolment page with a reading and the first with a video among all that home leads to. */
async function learning(page) {
  const found = {};
  const courses = await links(page, "/", /^\/enrolments\/\d+$/);
  for (const course of courses) {
    for (const path of await links(page, course, /^\/enrolments\/\d+\?activity=\d+$/)) {
      await page.goto(base + path);
      const kind = (await page.$("[data-video]")) ? "player" : "course page";
      found[kind] ??= path;
      if (Object.keys(found).length === 2) return found;
    }
  }
  return stop(`Home of teacher leads to ${Object.keys(found).join() || "no course"} only.`);
}

async function places(teacher, manager) {
  const found = await learning(teacher);
  const [run] = await links(manager, "/desk", /^\/desk\/runs\/\d+$/);
  if (!run) stop("The desk of manager leads to no run.");
  return [
    { name: "home", path: "/", page: teacher },
    { name: "course page", path: found["course page"], page: teacher },
    { name: "player", path: found.player, page: teacher },
    { name: "desk", path: "/desk", page: manager },
    { name: "desk, one run", path: run, page: manager },
  ].filter(({ name }) => name.includes(options.only));
}

/** The result of the run with the median performance. Lighthouse empties the cache, not the cookies. */
async function measure(lighthouse, { name, path, page }) {
  const results = [];
  for (let run = 0; run < runs; run += 1) {
    const flags = {
      onlyCategories: CATEGORIES,
      throttlingMethod: options.throttling,
      output: "html",
      logLevel: "error",
      locale: "en-GB",
    };
    const result = await lighthouse(base + path, flags, undefined, page);
    const { finalDisplayedUrl: end, runtimeError } = result.lhr;
    if (runtimeError) stop(`${name}: ${runtimeError.message}`);
    if (end !== base + path) stop(`${name}: ${path} led to ${end}`);
    results.push(result);
  }
  results.sort((a, b) => score(a.lhr, "performance") - score(b.lhr, "performance"));
  return results[Math.floor(results.length / 2)];
}

const score = (lhr, category) => Math.round(lhr.categories[category].score * 100);

/** What costs the category points, dearest first: audits that weigh and are not whole. */
function losses(lhr, category) {
  return lhr.categories[category].auditRefs
    .map(({ id, weight }) => ({ ...lhr.audits[id], weight }))
    .filter((audit) => audit.weight > 0 && audit.score !== null && audit.score < 0.9)
    .sort((a, b) => b.weight * (1 - b.score) - a.weight * (1 - a.score))
    .map(({ id, title, displayValue }) => `${id} (${displayValue ?? title})`);
}

function row(cells) {
  const widths = [15, 32, 13, 15, 16, 8, 8, 8, 6];
  return cells.map((cell, index) => String(cell).padEnd(widths[index])).join("").trimEnd();
}

const METRICS = {
  FCP: "first-contentful-paint",
  LCP: "largest-contentful-paint",
  TBT: "total-blocking-time",
  CLS: "cumulative-layout-shift",
};

function tell(place, lhr) {
  const scores = CATEGORIES.map((category) => score(lhr, category));
  const figures = Object.values(METRICS).map((id) =>
    lhr.audits[id].displayValue.replace(/\s/g, " ").replace(",", ""));
  console.log(row([place.name, place.path, ...scores, ...figures]));
  return CATEGORIES.filter((_, index) => scores[index] < ENOUGH).map(
    (category) => `${place.name}, ${category}: ${losses(lhr, category).join("; ")}`,
  );
}

async function main() {
  const { lighthouse, puppeteer } = await tools();
  const browser = await puppeteer.launch({
    executablePath: browserPath(),
    args: ["--headless=new", "--no-sandbox", "--disable-gpu", "--accept-lang=ko-KR"],
  });
  const short = [];
  try {
    const all = await places(await signedIn(browser, "teacher"), await signedIn(browser, "manager"));
    console.log(row(["page", "path", ...CATEGORIES, ...Object.keys(METRICS)]));
    for (const place of all) {
      const { lhr, report } = await measure(lighthouse, place);
      short.push(...tell(place, lhr));
      if (options.reports) {
        mkdirSync(options.reports, { recursive: true });
        const file = `${place.name.replace(/\W+/g, "-")}.html`;
        writeFileSync(join(options.reports, file), report);
      }
    }
  } finally {
    await browser.close();
  }
  for (const line of short) console.log(`\nbelow ${ENOUGH}: ${line}`);
  return short.length ? 1 : 0;
}

process.exitCode = await main();
