// The nudge's preview in a dialog over the list. Without this file it is a page of its own.

const dialog = document.getElementById("nudge-dialog");
const list = document.querySelector("form[data-nudge]");
let unseen = false; // something was typed that the letter on the screen does not show yet

/** The preview as the server shows it, put into the dialog; false when there is none. */
async function show(address) {
  const answer = await fetch(address, { headers: { Accept: "text/html" } });
  if (!answer.ok) return false;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const sheet = page.getElementById("nudge");
  if (!sheet) return false;
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
  return true;
}

function addressOf(form, submitter) {
  const values = new URLSearchParams(new FormData(form, submitter));
  return `${form.action}?${values}`;
}

list?.addEventListener("submit", async (event) => {
  if (event.submitter?.hasAttribute("formaction")) return; // the other button's page
  event.preventDefault();
  const address = addressOf(list, event.submitter);
  if (!(await show(address).catch(() => false))) location.assign(address);
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
  if (!(await show(address).catch(() => false))) { location.assign(address); return; }
  const same = from?.id
    ? dialog.querySelector(`#${from.id}`)
    : dialog.querySelector(`[name="${from?.name}"][value="${from?.value}"]`);
  (same ?? dialog.querySelector("[data-nudge-choose] select"))?.focus();
}
