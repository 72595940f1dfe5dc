// The form without waiting: every entry is saved as it is left, entries that do not apply are folded away.
// Nothing is kept in the browser: what is not yet on the server stands in the form alone.
"use strict";

const form = document.querySelector("form[data-autosave]");

// --- entries asked only under a condition ------------------------------------------------------------------

const fits = (box) => {
  const wanted = box.dataset.is.split(" ");
  const inputs = form.querySelectorAll(`[name="${CSS.escape(box.dataset.when)}"]`);
  return [...inputs].some((input) => (["checkbox", "radio"].includes(input.type) ? input.checked && wanted.includes(input.value) : wanted.includes(input.value)));
};

const filled = (box) => [...box.querySelectorAll("input:not([type=hidden]), select, textarea")].some((input) => input.value && !["checkbox", "radio"].includes(input.type));

const fold = () => form.querySelectorAll("[data-when]").forEach((box) => { box.hidden = !fits(box) && !filled(box); });

// --- saving --------------------------------------------------------------------------------------------------

const said = document.getElementById("saved");
let changed = 0, kept = 0, running = null, again = 0, given_up = false, pressed = null;

const say = (text, bad = false) => { said.textContent = text; said.classList.toggle("bad", bad); };

const put = (name, value) => {
  let input = form.querySelector(`input[name="${CSS.escape(name)}"]`);
  if (!input) { input = document.createElement("input"); input.type = "hidden"; input.name = name; form.append(input); }
  input.value = value;
};

const mark = (name, texts, kind) => {
  const input = document.getElementById(name);
  const field = input?.closest(".field, fieldset");
  if (!field) return;
  for (const text of texts) {
    const line = document.createElement("p");
    line.className = kind; line.dataset.live = "1"; line.id = `${name}-live-${kind}`; line.textContent = text;
    const before = [...field.children].find((child) => child.contains(input)) ?? field.firstElementChild?.nextSibling;
    field.insertBefore(line, before && before !== field ? before : null);
    const about = new Set((input.getAttribute("aria-describedby") ?? "").split(" ").filter(Boolean)).add(line.id);
    input.setAttribute("aria-describedby", [...about].join(" "));
  }
  if (kind === "trouble") { field.classList.add("bad"); input.setAttribute("aria-invalid", "true"); }
};

const show = (told) => {
  form.querySelectorAll("[data-live], p.trouble, p.note").forEach((line) => line.remove());
  form.querySelectorAll(".bad").forEach((field) => field.classList.remove("bad"));
  form.querySelectorAll("[aria-invalid]").forEach((input) => input.removeAttribute("aria-invalid"));
  for (const [name, texts] of Object.entries(told.noted)) mark(name, texts, "note");
  for (const [name, texts] of Object.entries(told.errors)) mark(name, texts, "trouble");
  document.querySelectorAll("[data-left]").forEach((line) => {
    const left = told.left[line.dataset.left] ?? 0;
    if (line.dataset.left === "papers") return;
    line.hidden = !left;
    line.querySelector("b").textContent = left;
  });
};

// A button that moves between press and release is not pressed: whatever moves the page waits until it is let go, two seconds at most.
let released = Promise.resolve();

const hold = (event) => {
  if (!event.target.closest("button, a, label")) return;
  released = new Promise((done) => {
    ["pointerup", "pointercancel"].forEach((name) => window.addEventListener(name, () => window.setTimeout(done), { once: true }));
    window.setTimeout(done, 2000);
  });
};

const later = (wait) => { window.clearTimeout(again); again = window.setTimeout(() => released.then(save), wait); };

const save = () => {
  if (running || given_up || changed === kept) return running;
  const mine = changed, body = new FormData(form);
  body.set("then", "stay");
  say(form.dataset.saving);
  running = fetch(form.getAttribute("action") || location.pathname, { method: "POST", body, headers: { Accept: "application/json" }, redirect: "manual" })
    .finally(() => released)
    .then(async (answer) => {
      if (answer.type === "opaqueredirect" || answer.status === 401) { given_up = true; say(form.dataset.signin, true); return; }
      if (!answer.ok && answer.status !== 412) { say(form.dataset.failed, true); return; }
      const told = await answer.json();
      if (answer.status === 412) { given_up = true; put("version", told.version); say(told.message, true); return; }
      kept = mine;
      put("version", told.version);
      for (const [name, id] of Object.entries(told.rows)) if (form.querySelector(`[name="${CSS.escape(name)}"]`)) put(name, id);
      if (!location.pathname.startsWith(told.address)) {
        // The draft now exists: from here on this page is its first screen.
        history.replaceState(null, "", told.address + form.dataset.screen);
        document.querySelectorAll("[data-screen-link]").forEach((link) => { link.href = told.address + link.dataset.screenLink; });
      }
      show(told);
      say(`${form.dataset.saved} ${new Date(told.saved_at).toLocaleTimeString(document.documentElement.lang, { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: "Asia/Ho_Chi_Minh" })}`);
    })
    .catch(() => { say(form.dataset.offline, true); later(4000); })
    .finally(() => { running = null; if (changed !== kept && !given_up && !again) later(600); });
  again = 0;
  return running;
};

if (form) {
  fold();
  form.addEventListener("change", () => { changed += 1; released.then(fold); later(250); });
  form.addEventListener("input", () => { changed += 1; later(1500); });
  window.addEventListener("pointerdown", hold);
  window.addEventListener("online", () => later(100));
  // A button waits for the save that is under way: two posts of one version would meet.
  form.addEventListener("submit", (event) => {
    window.clearTimeout(again);
    if (!running) { kept = changed; return; }
    event.preventDefault();
    if (!pressed) running.finally(() => { const button = pressed; pressed = null; form.requestSubmit(button); });
    pressed = event.submitter; // pressed twice meanwhile, it is sent once
  });
  window.addEventListener("beforeunload", (event) => { if (changed !== kept) event.preventDefault(); });
  document.querySelector("[data-added]")?.querySelector("input:not([type=hidden]), select, textarea")?.focus();
}
