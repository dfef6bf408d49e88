// Runs before the page is drawn, so that a dark system never sees a flash of white.
(function () {
  "use strict";
  var root = document.documentElement;
  if (!root.hasAttribute("data-theme-follows")) return;
  var dark = window.matchMedia("(prefers-color-scheme: dark)");
  function follow() { root.setAttribute("data-bs-theme", dark.matches ? "dark" : "light"); }
  follow();
  dark.addEventListener("change", follow);
})();
