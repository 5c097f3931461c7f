// How many people a run's audience takes in, asked anew as it is edited. Without this file the
// form's own button does the same.

const form = document.querySelector("form[data-audience]");
if (form) {
  const shown = form.querySelector("[data-audience-shown]");
  const part = shown.closest("section");
  const example = shown.dataset.example;
  let waiting = 0;
  let asked = 0;

  const ask = async () => {
    const mine = ++asked;
    const query = new URLSearchParams();
    for (const input of part.querySelectorAll("input, textarea")) {
      const off = input.type === "checkbox" && !input.checked;
      if (input.name && input.value && !off) query.append(input.name, input.value);
    }
    const answer = await fetch(`${form.dataset.audience}?${query}`, {
      headers: { Accept: "application/json" },
    }).catch(() => null);
    if (!answer?.ok || mine !== asked) return; // the button still asks
    show(await answer.json());
  };

  const show = ({ text, examples }) => {
    const lines = [line("b", text)];
    if (examples.length) {
      const names = examples.map((one) =>
        one.organisation ? `${one.name} (${one.organisation})` : one.name);
      const told = line("span", `${example} ${names.join(", ")}`);
      told.className = "quiet small";
      lines.push(told);
    }
    shown.replaceChildren(...lines.map((inner) => {
      const paragraph = document.createElement("p");
      paragraph.append(inner);
      return paragraph;
    }));
  };

  const line = (tag, text) => {
    const made = document.createElement(tag);
    made.textContent = text;
    return made;
  };

  const later = () => {
    clearTimeout(waiting);
    waiting = setTimeout(ask, 400);
  };
  part.addEventListener("input", later);
  part.addEventListener("change", later);
  form.querySelector("[data-audience-count]").addEventListener("click", (event) => {
    event.preventDefault();
    ask();
  });
  ask();
}
