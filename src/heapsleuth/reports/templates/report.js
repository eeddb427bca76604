"use strict";
(function () {
  // Theme: the system's, or the one chosen; kept for the next look where the browser lets a file keep anything.
  var root = document.documentElement;
  var button = document.getElementById("theme");
  var names = { system: "Auto", light: "Light", dark: "Dark" };
  var order = Object.keys(names);
  var key = "heapsleuth-theme";
  function kept() {
    try { return localStorage.getItem(key); } catch (refused) { return null; }
  }
  function use(theme) {
    if (theme === "system") { delete root.dataset.theme; } else { root.dataset.theme = theme; }
    button.textContent = "\u25d0 " + names[theme];
    button.setAttribute("aria-label", "Colours: " + (theme === "system" ? "as the system" : theme));
    button.dataset.theme = theme;
  }
  button.addEventListener("click", function () {
    var next = order[(order.indexOf(button.dataset.theme) + 1) % order.length];
    use(next);
    try { localStorage.setItem(key, next); } catch (refused) { /* chosen for this look only */ }
  });
  use(order.indexOf(kept()) > 0 ? kept() : "system");
  button.hidden = false;

  // Tables sort by the number behind a cell, or by its text; numbers begin with the largest.
  function value(row, column) {
    var cell = row.cells[column];
    return cell.dataset.value === undefined ? cell.textContent.trim() : Number(cell.dataset.value);
  }
  function sort(table, head, column) {
    var body = table.tBodies[0];
    var rows = Array.from(body.rows);
    var numbers = head.classList.contains("num");
    var first = numbers ? "descending" : "ascending";
    var other = numbers ? "ascending" : "descending";
    var order = head.getAttribute("aria-sort") === first ? other : first;
    var sign = order === "ascending" ? 1 : -1;
    rows.sort(function (a, b) {
      var x = value(a, column), y = value(b, column);
      return sign * (typeof x === "number" ? x - y : x.localeCompare(y));
    });
    table.querySelectorAll("th[aria-sort]").forEach(function (one) { one.removeAttribute("aria-sort"); });
    head.setAttribute("aria-sort", order);
    rows.forEach(function (row) { body.appendChild(row); });
  }
  document.querySelectorAll("table.sortable").forEach(function (table) {
    Array.from(table.tHead.rows[0].cells).forEach(function (head, column) {
      var control = document.createElement("button");
      control.type = "button";
      control.textContent = head.textContent;
      control.addEventListener("click", function () { sort(table, head, column); });
      head.replaceChildren(control);
    });
  });

  // What is folded is unfolded for paper, and for a link that leads into it.
  function unfold(target) {
    for (var one = target; one; one = one.parentElement) { if (one.tagName === "DETAILS") { one.open = true; } }
  }
  var opened = [];
  window.addEventListener("beforeprint", function () {
    opened = Array.from(document.querySelectorAll("details:not([open], .kind)"));
    opened.forEach(function (one) { one.open = true; });
  });
  window.addEventListener("afterprint", function () {
    opened.forEach(function (one) { one.open = false; });
  });
  function follow() {
    var target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
    if (!target) { return; }
    unfold(target);
    // Of a suppressed finding, only the title and the reason are not folded.
    if (target.matches(".is-suppressed")) { unfold(target.querySelector("details")); }
  }
  window.addEventListener("hashchange", follow);
  follow();
})();
