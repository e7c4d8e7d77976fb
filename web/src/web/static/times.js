// Times are written in UTC by the server; here they become those of the reader's own zone.
const moment = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
for (const element of document.querySelectorAll("time[datetime]")) {
  const date = new Date(element.dateTime);
  if (Number.isNaN(date.getTime()) || !element.dateTime.includes("T")) continue;
  element.title = element.textContent;
  element.textContent = moment.format(date);
}
