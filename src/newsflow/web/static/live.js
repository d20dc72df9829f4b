// Counts what comes in while a page is looked at. Without it, a page is as complete, and as old as when it was asked for.
"use strict";
for (const place of document.querySelectorAll("[data-live]")) {
  const seen = new Set();
  const source = new EventSource(place.dataset.live);
  source.addEventListener("article", (event) => {
    seen.add(JSON.parse(event.data).id);
    const link = document.createElement("a");
    link.href = location.href;
    link.textContent = place.dataset.show;
    const word = seen.size === 1 ? place.dataset.one : place.dataset.many;
    place.replaceChildren(`${seen.size} ${word}: `, link);
  });
  addEventListener("pagehide", () => source.close());
}
