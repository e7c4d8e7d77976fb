// The upload form, with drag and drop, paste, preview, progress and cancel. Without this script the plain form does the same work.
const form = document.querySelector("form[data-upload]");
const input = form.elements.file;
const button = form.querySelector("button[type=submit]");
const cancel = form.querySelector("[data-cancel]");
const drop = form.querySelector(".drop");
const preview = form.querySelector("img");
const progress = form.querySelector("progress");
const status = form.querySelector("[role=status]");
const trouble = form.querySelector("[role=alert]");
const texts = form.dataset;
const TYPES = ["image/png", "image/jpeg", "image/webp"];
let file = null;
let request = null;

form.querySelector("[data-scripted]").hidden = false;

function fill(words, values) {
  return words.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

function complain(words) {
  trouble.querySelector("span").textContent = words;
  trouble.hidden = false;
  status.textContent = "";
}

function choose(candidate) {
  trouble.hidden = true;
  URL.revokeObjectURL(preview.src);
  preview.hidden = true;
  file = null;
  if (!candidate) return;
  if (!TYPES.includes(candidate.type)) return complain(texts.wrongType);
  if (candidate.size > Number(texts.limit)) return complain(texts.tooLarge);
  file = candidate;
  preview.src = URL.createObjectURL(file);
  preview.hidden = false;
  const size = new Intl.NumberFormat(undefined, { style: "unit", unit: "kilobyte", maximumFractionDigits: 0 });
  status.textContent = fill(texts.chosen, { name: file.name, size: size.format(Math.max(1, file.size / 1000)) });
  // Another picture is another request; the same one again repeats the first.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  form.elements.idempotency_key.value = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function send() {
  const body = new FormData(form);
  body.set("file", file, file.name);
  request = new XMLHttpRequest();
  request.open("POST", form.action);
  request.setRequestHeader("Accept", "application/json");
  request.responseType = "json";
  request.upload.addEventListener("progress", (event) => {
    if (!event.lengthComputable) return;
    const percent = Math.round((event.loaded / event.total) * 100);
    progress.value = percent;
    status.textContent = percent < 100 ? fill(texts.percent, { percent }) : texts.checking;
  });
  request.addEventListener("load", () => {
    if (request.status === 201 && request.response) return location.assign(request.response.next);
    const reached = new URL(request.responseURL);
    if (reached.pathname === "/login") return location.assign(reached); // the session has ended
    finish();
    complain(request.response?.words ?? texts.failed);
  });
  for (const name of ["error", "timeout"]) {
    request.addEventListener(name, () => {
      finish();
      complain(texts.failed);
    });
  }
  request.addEventListener("abort", () => {
    finish();
    status.textContent = texts.cancelled;
    button.focus();
  });
  button.disabled = true;
  cancel.hidden = false;
  progress.hidden = false;
  status.textContent = texts.sending;
  request.send(body);
}

function finish() {
  button.disabled = false;
  cancel.hidden = true;
  progress.hidden = true;
  progress.value = 0;
}

cancel.addEventListener("click", () => request.abort());
input.addEventListener("change", () => choose(input.files[0]));
form.addEventListener("submit", (event) => {
  event.preventDefault();
  trouble.hidden = true;
  if (file) send();
  else complain(texts.missing);
});
for (const name of ["dragenter", "dragover"]) {
  drop.addEventListener(name, (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
}
drop.addEventListener("dragleave", (event) => {
  if (!drop.contains(event.relatedTarget)) drop.classList.remove("over");
});
drop.addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  take(event.dataTransfer.files);
});
document.addEventListener("paste", (event) => {
  if (event.clipboardData.files.length) take(event.clipboardData.files);
});
if (input.files.length) choose(input.files[0]); // it was chosen before this script had come

function take(files) {
  if (!files.length || button.disabled) return;
  input.value = "";
  choose(files[0]);
}
