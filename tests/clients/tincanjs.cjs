// TinCanJS against a record store: node tincanjs.cjs ENDPOINT USERNAME PASSWORD → what it saw, JSON.
"use strict";
const TinCan = require("tincanjs");

const [endpoint, username, password] = process.argv.slice(2);
const lrs = new TinCan.LRS({ endpoint, username, password, allowFail: false });
const agent = new TinCan.Agent({ mbox: "mailto:tincanjs@example.kr" });
const activity = new TinCan.Activity({ id: "http://example.kr/tincanjs" });

const ask = (method, ...args) =>
  new Promise((resolve, reject) => {
    const settings = args.pop();
    lrs[method](...args, {
      ...settings,
      callback: (error, found) =>
        error === null
          ? resolve(found)
          : reject(new Error(`${method}: ${error} ${found && found.responseText}`)),
    });
  });
const settings = { agent, activity, contentType: "application/json" };
const content = TinCan.Utils.stringToArrayBuffer("첨부된 것");

function statement(more) {
  return new TinCan.Statement({
    actor: agent,
    verb: { id: "http://example.kr/did", display: { ko: "했다" } },
    target: activity,
    ...more,
  });
}

async function main() {
  const seen = {};
  seen.about = (await ask("about", {})).version;

  const one = statement({ result: { score: { scaled: 0.5 } }, context: { platform: "p" } });
  await ask("saveStatement", one, {});
  const back = await ask("retrieveStatement", one.id, {});
  seen.statement = [back.id === one.id, back.result.score.scaled, back.verb.display.ko];

  const more = [statement(), statement(), statement()];
  await ask("saveStatements", more, {});
  const params = { agent, activity, limit: 3, ascending: true };
  const first = await ask("queryStatements", { params });
  const rest = await ask("moreStatements", { url: first.more });
  seen.pages = [first.statements.length, rest.statements.length, rest.more || ""];
  const found = [...first.statements, ...rest.statements].map((each) => each.id);
  seen.all = [one, ...more].every((each) => found.includes(each.id));

  const attached = statement({
    attachments: [
      {
        usageType: "http://example.kr/u",
        display: { ko: "첨부" },
        contentType: "text/plain; charset=utf-8",
        content,
      },
    ],
  });
  await ask("saveStatement", attached, {});
  const whole = await ask("retrieveStatement", attached.id, { params: { attachments: true } });
  seen.attachment = whole.attachments[0].getContentAsString();

  await ask("saveStatement", voiding(one.id), {});
  const voided = await ask("retrieveVoidedStatement", one.id, {});
  seen.voided = voided.id === one.id;

  await ask("saveState", "bookmark", { page: 3 }, settings);
  const state = await ask("retrieveState", "bookmark", settings);
  const states = await ask("retrieveStateIds", settings);
  seen.state = [state.contents, states];
  await ask("dropState", null, settings);
  seen.dropped = await ask("retrieveStateIds", settings);

  for (const [save, read, name] of [
    ["saveActivityProfile", "retrieveActivityProfile", "activity"],
    ["saveAgentProfile", "retrieveAgentProfile", "agent"],
  ]) {
    await ask(save, "settings", { sound: false }, settings);
    const profile = await ask(read, "settings", settings);
    const lastSHA1 = profile.etag.replaceAll('"', "");
    await ask(save, "settings", { sound: true }, { ...settings, lastSHA1 });
    const late = await ask(save, "settings", {}, { ...settings, lastSHA1 }).then(
      () => "taken",
      (error) => error.message.slice(0, `${save}: 412`.length),
    );
    seen[name] = [profile.contents, (await ask(read, "settings", settings)).contents, late];
  }
  console.log(JSON.stringify(seen));
}

function voiding(id) {
  return new TinCan.Statement({
    actor: agent,
    verb: { id: "http://adlnet.gov/expapi/verbs/voided" },
    target: { objectType: "StatementRef", id },
  });
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
