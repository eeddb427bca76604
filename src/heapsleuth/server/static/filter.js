// Rows of the fleet by what is typed; "/" leads to the field.
const form = document.querySelector("form.filter");
const field = form && form.querySelector("input");
const said = form && form.querySelector("output");

function apply() {
  const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
  const rows = document.querySelectorAll("tr[data-words]");
  let shown = 0;
  for (const row of rows) {
    const text = row.dataset.words.toLowerCase();
    row.hidden = !words.every((word) => text.includes(word));
    shown += row.hidden ? 0 : 1;
  }
  said.textContent = words.length ? shown + " of " + rows.length : "";
}

export function filterRows() {
  if (!form) { return; }
  if (form.hidden) {
    form.hidden = false;
    form.addEventListener("submit", (event) => event.preventDefault());
    field.addEventListener("input", apply);
    document.addEventListener("keydown", function (event) {
      if (event.key === "/" && !event.ctrlKey && !event.metaKey && !/^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName)) {
        event.preventDefault();
        field.focus();
      } else if (event.key === "Escape" && document.activeElement === field) {
        field.value = "";
        apply();
      }
    });
  }
  apply();
}
