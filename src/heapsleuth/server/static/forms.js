// Buttons that cost something ask first; without scripts they are done at once, as their titles say.
export function askFirst(part) {
  for (const form of part.querySelectorAll("form[data-asks]")) {
    if (form.dataset.bound) { continue; }
    form.dataset.bound = "yes";
    form.addEventListener("submit", function (event) {
      if (!window.confirm(form.dataset.asks)) { event.preventDefault(); }
    });
  }
  for (const form of part.querySelectorAll("form.act:not([data-sends])")) {
    form.dataset.sends = "once";
    form.addEventListener("submit", function (event) {
      if (event.defaultPrevented) { return; }
      const button = form.querySelector("button");
      // After this event, or the form would not be sent.
      setTimeout(function () { button.disabled = true; button.textContent += " …"; });
    });
  }
}
