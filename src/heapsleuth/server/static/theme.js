"use strict";
// Before the first paint: the theme chosen on this page or in a report, kept under the same name.
(function () {
  var root = document.documentElement;
  var names = { system: "Auto", light: "Light", dark: "Dark" };
  var order = Object.keys(names);
  var key = "heapsleuth-theme";
  function kept() {
    try { return localStorage.getItem(key); } catch (refused) { return null; }
  }
  function use(theme) {
    if (theme === "system") { delete root.dataset.theme; } else { root.dataset.theme = theme; }
  }
  var theme = order.indexOf(kept()) > 0 ? kept() : "system";
  use(theme);
  document.addEventListener("DOMContentLoaded", function () {
    var button = document.getElementById("theme");
    function say() {
      button.textContent = "\u25d0 " + names[theme];
      button.setAttribute("aria-label", "Colours: " + (theme === "system" ? "as the system" : theme));
    }
    button.addEventListener("click", function () {
      theme = order[(order.indexOf(theme) + 1) % order.length];
      use(theme);
      say();
      try { localStorage.setItem(key, theme); } catch (refused) { /* chosen for this look only */ }
      document.dispatchEvent(new Event("heapsleuth:theme"));
    });
    say();
    button.hidden = false;
  });
})();
