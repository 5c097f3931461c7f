// @xapi/xapi against a record store: node xapi.cjs ENDPOINT USERNAME PASSWORD VERSION ADAPTER → JSON.
"use strict";
const { createHash } = require("node:crypto");
const XAPI = require("@xapi/xapi");

const [endpoint, username, password, version, adapter] = process.argv.slice(2);
const auth = XAPI.toBasicAuth(username, password);
const store = new XAPI({ endpoint, auth, version, adapter });
const agent = { objectType: "Agent", mbox: `mailto:xapi-${adapter}@example.kr` };
const activityId = `http://example.kr/xapi/${adapter}`;
const made = {
  actor: agent,
  verb: { id: "http://example.kr/did", display: { ko: "했다" } },
  object: { objectType: "Activity", id: activityId },
};

const refusal = (error) => (error.response?.data ?? JSON.parse(error.message)).error.code;

async function attach() {
  const bytes = new TextEncoder().encode("an attachment");
  const attachment = {
    usageType: "http://example.kr/u",
    display: { en: "attachment" },
    contentType: "text/plain",
    length: bytes.length,
    sha2: createHash("sha256").update(bytes).digest("hex"),
  };
  const statement = { ...made, attachments: [attachment] };
  const sent = await store.sendStatement({ statement, attachments: [bytes.buffer] });
  const parts = await store.getStatement({ statementId: sent.data[0], attachments: true });
  return [parts.data[0].id === sent.data[0], parts.data[1]];
}

async function main() {
  const seen = {};
  seen.about = (await store.getAbout()).data.version;

  const [id] = (await store.sendStatement({ statement: made })).data;
  const back = await store.getStatement({ statementId: id });
  seen.statement = [back.data.id === id, back.data.version, back.data.verb.display.ko];
  seen.version = back.headers["x-experience-api-version"];

  const ids = (await store.sendStatements({ statements: [made, made, made] })).data;
  const first = (await store.getStatements({ agent, limit: 3, ascending: true })).data;
  const rest = (await store.getMoreStatements({ more: first.more })).data;
  const found = [...first.statements, ...rest.statements].map((each) => each.id);
  seen.pages = [first.statements.length, rest.statements.length, rest.more || ""];
  seen.all = [id, ...ids].every((each) => found.includes(each));

  if (adapter === "fetch") seen.attachment = await attach();

  const [by] = (await store.voidStatement({ actor: agent, statementId: id })).data;
  seen.voided = [
    (await store.getVoidedStatement({ voidedStatementId: id })).data.id === id,
    (await store.getStatement({ statementId: by })).data.object.id === id,
    await store.getStatement({ statementId: id }).then(
      () => "found",
      refusal,
    ),
  ];

  const where = { agent, activityId, stateId: "bookmark" };
  await store.setState({ ...where, state: { page: 3 } });
  await store.createState({ ...where, state: { line: 4 } });
  seen.state = [(await store.getState(where)).data, (await store.getStates(where)).data];
  await store.deleteState(where);
  await store.setState({ ...where, state: {} });
  await store.deleteStates({ agent, activityId });
  seen.dropped = (await store.getStates(where)).data;

  for (const [name, params] of [
    ["Activity", { activityId, profileId: "settings" }],
    ["Agent", { agent, profileId: "settings" }],
  ]) {
    const none = { etag: "*", matchHeader: "If-None-Match" };
    await store[`set${name}Profile`]({ ...params, profile: { sound: false }, ...none });
    const { data, headers } = await store[`get${name}Profile`](params);
    const right = { etag: headers.etag, matchHeader: "If-Match" };
    await store[`set${name}Profile`]({ ...params, profile: { sound: true }, ...right });
    const late = await store[`set${name}Profile`]({ ...params, profile: {}, ...right }).then(
      () => "taken",
      refusal,
    );
    const now = await store[`get${name}Profile`](params);
    seen[name] = [data, now.data, late, (await store[`get${name}Profiles`](params)).data];
    await store[`delete${name}Profile`]({ ...params, etag: now.headers.etag });
  }
  seen.person = (await store.getAgent({ agent })).data;
  seen.object = (await store.getActivity({ activityId })).data.id === activityId;
  console.log(JSON.stringify(seen));
}

main().catch((error) => {
  console.error(error.response?.data ?? error);
  process.exitCode = 1;
});
