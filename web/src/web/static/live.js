// A task that waits for review: its standing is kept up to date while one looks at it. Without this script, reload the page.
const standing = document.getElementById("standing");
const EVERY = 30_000; // the queue moves on without an event of one's own
let leaving = false; // a new page would be called off by showing this one anew

async function read() {
  const answer = await fetch(location.pathname, { headers: { Accept: "text/html" } });
  return [answer, await answer.text()];
}

async function look() {
  const [answer, text] = await read().catch(() => []); // without a network: the next look may have one
  if (!answer?.ok || leaving) return;
  if (answer.redirected) return location.reload(); // the session has ended
  const fresh = new DOMParser().parseFromString(text, "text/html").getElementById("standing");
  if (!fresh) return;
  if (fresh.dataset.status !== standing.dataset.status) return location.replace(location.pathname);
  if (fresh.textContent !== standing.textContent) standing.replaceChildren(...fresh.childNodes);
}

const events = new EventSource("/events");
events.addEventListener("open", look); // what happened before the events were listened to
events.addEventListener("task.updated", (event) => {
  if (JSON.parse(event.data).id === standing.dataset.task) look();
});
events.addEventListener("reset", look);
setInterval(() => {
  if (!document.hidden) look();
}, EVERY);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) look();
});
addEventListener("beforeunload", () => (leaving = true));
addEventListener("pagehide", () => events.close());
addEventListener("pageshow", () => (leaving = false));
