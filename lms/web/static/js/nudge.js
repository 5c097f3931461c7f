// The nudge's preview in a dialog over the list. Without this file it is a page of its own.

const dialog = document.getElementById("nudge-dialog");
const list = document.querySelector("form[data-nudge]");
let unseen = false; // something was typed that the letter on the screen does not show yet

/** The preview as the server shows it; null when there is none. */
async function ask(address) {
  const answer = await fetch(address, { headers: { Accept: "text/html" } });
  if (!answer.ok) return null;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  return page.getElementById("nudge");
}

/** Puts the preview into the dialog. */
function put(sheet) {
  const head = document.createElement("div");
  head.className = "dialog-head";
  const title = document.createElement("h2");
  title.id = "nudge-title";
  title.textContent = sheet.dataset.title;
  const close = document.querySelector("dialog [data-closes].icon-only").cloneNode(true);
  head.append(title, close);
  dialog.replaceChildren(head, ...sheet.children);
  unseen = false;
  if (!dialog.open) dialog.showModal();
}

function addressOf(form, submitter) {
  const values = new URLSearchParams(new FormData(form, submitter));
  return `${form.action}?${values}`;
}

list?.addEventListener("submit", async (event) => {
  if (event.submitter?.hasAttribute("formaction")) return; // the other button's page
  event.preventDefault();
  const address = addressOf(list, event.submitter);
  const sheet = await ask(address).catch(() => null);
  if (sheet) put(sheet);
  else location.assign(address);
});

dialog?.addEventListener("input", (event) => {
  if (event.target.closest("[data-nudge-choose]")) unseen = true;
});

// Nothing is sent that was not seen: a word typed last is shown first.
dialog?.addEventListener("submit", (event) => {
  if (event.target.method !== "post" || !unseen) return;
  event.preventDefault();
  again(dialog.querySelector("[data-nudge-choose]"), null, null);
});

// In the dialog, a change is shown at once; the focus stays where the reader is.
dialog?.addEventListener("change", (event) => {
  const form = event.target.closest("[data-nudge-choose]");
  if (form) again(form, null, event.target);
});
dialog?.addEventListener("submit", (event) => {
  const form = event.target.closest("[data-nudge-choose]");
  if (!form) return;
  event.preventDefault();
  again(form, event.submitter, event.submitter);
});
dialog?.addEventListener("click", (event) => {
  if (!event.target.closest("[data-nudge-stop]")) return;
  event.preventDefault();
  dialog.close();
});

async function again(form, submitter, from) {
  const address = addressOf(form, submitter);
  const sheet = await ask(address).catch(() => null);
  if (!sheet) { location.assign(address); return; }
  if (!form.isConnected) return; // a later question was answered first
  if (addressOf(form, submitter) !== address) {
    // Something was typed meanwhile: it is asked for too, and nothing typed is lost.
    again(form, submitter, document.activeElement);
    return;
  }
  const here = form.contains(document.activeElement) ? document.activeElement : from;
  put(sheet);
  const same = here?.id
    ? dialog.querySelector(`#${CSS.escape(here.id)}`)
    : here?.name && dialog.querySelector(`[name="${here.name}"][value="${here.value}"]`);
  (same || dialog.querySelector("[data-nudge-choose] select"))?.focus();
}
