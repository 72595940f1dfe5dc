// What every page gains from a browser that runs scripts. Without them the whole page stands open, one part below the other.
"use strict";

// --- the menu of a narrow screen: folded until it is asked for ----------------------------------------------

const key = document.querySelector(".menu-key");
if (key) {
  const menu = document.getElementById(key.getAttribute("aria-controls"));
  key.hidden = false;
  menu.classList.add("folds");
  key.addEventListener("click", () => {
    const open = menu.classList.toggle("open");
    key.setAttribute("aria-expanded", open);
  });
}

// --- the parts of a case: one at a time, each with an address of its own ------------------------------------

const parts = [...document.querySelectorAll(".part")];
const tabs = [...document.querySelectorAll("#parts a[href^='#']")];
if (tabs.length) {
  const show = () => {
    const asked = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
    const part = asked && asked.closest(".part");
    if (asked && !part) return; // an address outside the parts changes none of them
    const shown = part || parts[0];
    for (const one of parts) one.hidden = one !== shown;
    for (const tab of tabs) {
      if (tab.hash === `#${shown.id}`) tab.setAttribute("aria-current", "true");
      else tab.removeAttribute("aria-current");
    }
    if (part && asked !== part) asked.scrollIntoView();
  };
  for (const one of parts.slice(1)) one.hidden = true;
  window.addEventListener("hashchange", show);
  show();
}
