// The parts of the learning page that say how one stands, as the server has them now.

const PARTS = ["#standing", ".page-header"];

/** Put fresh parts in the place of old ones; what somebody is in with the keyboard stays. */
export async function refreshStanding() {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => null);
  if (!answer?.ok || answer.redirected) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of PARTS) {
    const old = document.querySelector(part);
    const fresh = page.querySelector(part);
    if (!old || !fresh || old.innerHTML === fresh.innerHTML || old.contains(document.activeElement)) continue;
    for (const details of fresh.querySelectorAll("details[id]")) {
      details.open = document.getElementById(details.id)?.open ?? details.open;
    }
    old.replaceWith(document.importNode(fresh, true));
  }
}
