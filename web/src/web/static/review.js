// Deciding by keys, looking closely, and the seconds in which a decision can be taken back. All of it is also there
// without this script, as buttons and links.
const STEPS = [1, 1.5, 2, 3, 4];
const READING = 5_000;
const KEYS_OFF = "review-keys-off";

document.documentElement.classList.add("has-script");

const viewer = document.querySelector(".viewer");
const keys = document.querySelector("dialog#keys");
const keysOn = keys?.querySelector("[data-keys-on]");

function zoomable(frame) {
  const image = frame.querySelector("img");
  const shown = document.querySelector(".tools output");
  const fit = () => Math.min(frame.clientWidth / image.width0, frame.clientHeight / image.height0, 1);
  let scale = 0; // 0: as large as fits
  image.width0 = Number(image.getAttribute("width"));
  image.height0 = Number(image.getAttribute("height"));

  function show(x = 0.5, y = 0.5) {
    const factor = scale || fit();
    const [left, top] = [frame.scrollLeft + x * frame.clientWidth, frame.scrollTop + y * frame.clientHeight];
    const before = image.clientWidth || 1;
    image.style.width = `${image.width0 * factor}px`;
    image.style.height = `${image.height0 * factor}px`;
    frame.classList.toggle("close-up", scale > 0);
    const grown = (image.width0 * factor) / before;
    frame.scrollTo(left * grown - x * frame.clientWidth, top * grown - y * frame.clientHeight);
    if (shown) shown.value = `${Math.round(factor * 100)} %`;
  }

  function zoom(way, x, y) {
    const now = scale || fit();
    const steps = [fit(), ...STEPS.map((step) => step * Math.max(fit(), 0.5))].sort((a, b) => a - b);
    if (way === "fit") scale = scale ? 0 : 1;
    else if (way === "in") scale = steps.find((step) => step > now * 1.01) ?? now;
    else scale = steps.findLast((step) => step < now * 0.99) ?? 0;
    if (scale && scale <= fit() * 1.01) scale = 0;
    show(x, y);
  }

  for (const button of document.querySelectorAll("[data-zoom]")) {
    button.addEventListener("click", () => zoom(button.dataset.zoom));
  }
  image.addEventListener("click", (event) => {
    const box = frame.getBoundingClientRect();
    zoom("fit", (event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
  });
  frame.addEventListener("wheel", (event) => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    zoom(event.deltaY < 0 ? "in" : "out");
  }, { passive: false });
  new ResizeObserver(() => { if (!scale) show(); }).observe(frame);
  show();
}

// The server sends a decision when its time is over, whatever happens here: this only takes the offer away. What was
// decided stays long enough to be read, also on a page that came late.
function offerUndo(toast) {
  const rest = Math.min(Math.max(Number(toast.dataset.until) * 1000 - Date.now(), 0), 60_000);
  setTimeout(() => toast.querySelector("button").remove(), rest);
  setTimeout(() => toast.remove(), Math.max(rest, READING));
}

function press(key) {
  const target = document.querySelector(`[data-key="${key}"]`);
  target?.click();
  return Boolean(target);
}

function reject(index) {
  const choices = document.querySelectorAll("form[data-reject] input[type=radio]");
  const choice = index === null ? [...choices].find((one) => one.checked) ?? choices[0] : choices[index];
  if (!choice) return false;
  choice.focus();
  if (index !== null) {
    choice.checked = true;
    if (choice.value === "other") choice.form.elements.note.focus();
  }
  return true;
}

function act(key) {
  if (key === "r") return reject(null);
  if (/^[1-6]$/.test(key)) return reject(Number(key) - 1);
  if (key === "?") { keys?.showModal(); return Boolean(keys); }
  return "ajkuz".includes(key) && press(key);
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || document.querySelector("dialog[open]")) return;
  if (event.target.closest("textarea, select, input:not([type=radio], [type=checkbox])")) return;
  if (event.key !== "?" && localStorage.getItem(KEYS_OFF)) return;
  if (act(event.key.toLowerCase())) event.preventDefault();
});

for (const opener of document.querySelectorAll("[data-opens]")) {
  opener.addEventListener("click", () => document.getElementById(opener.dataset.opens).showModal());
}
if (keysOn) {
  keysOn.checked = !localStorage.getItem(KEYS_OFF);
  keysOn.addEventListener("change", () => {
    if (keysOn.checked) localStorage.removeItem(KEYS_OFF);
    else localStorage.setItem(KEYS_OFF, "1");
  });
}
document.querySelectorAll(".toast[data-until]").forEach(offerUndo);
if (viewer) zoomable(viewer);
