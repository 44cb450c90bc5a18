// The desk's pages work without this script. It refreshes numbers, and shows live searches.
"use strict";

(() => {
  const main = document.querySelector("[data-refresh]");
  if (main) refresh(main);
  const table = document.getElementById("live");
  if (table) watch(table);

  // refresh replaces the content every few seconds while nobody is using it.
  function refresh(main) {
    const pause = 1000 * Number(main.dataset.refresh);
    const again = async () => {
      const busy = document.hidden || main.contains(document.activeElement) || main.querySelector("details[open]") || String(getSelection());
      if (!busy) {
        try {
          const answer = await fetch(location.href, { headers: { Accept: "text/html" }, redirect: "manual" });
          if (answer.ok) {
            const page = new DOMParser().parseFromString(await answer.text(), "text/html");
            const fresh = page.getElementById("content");
            if (fresh) main.replaceChildren(...fresh.childNodes);
          }
        } catch {
          // The next attempt may succeed; the page says when its numbers are incomplete.
        }
      }
      setTimeout(again, pause);
    };
    setTimeout(again, pause);
  }

  // watch shows each search of the feed in the first row.
  function watch(table) {
    const most = 200;
    const state = document.getElementById("state");
    const rows = table.querySelector("tbody");
    const feed = new EventSource(table.dataset.feed);
    table.hidden = state.hidden = false;
    state.textContent = "Connecting …";
    feed.onopen = () => { state.textContent = "New searches appear at the top."; };
    feed.onerror = () => {
      state.textContent = feed.readyState === EventSource.CLOSED ? "The feed has ended. Reload the page to watch again." : "The connection was lost; connecting again …";
    };
    feed.addEventListener("search", (event) => {
      const search = JSON.parse(event.data);
      const row = document.createElement("tr");
      const link = document.createElement("a");
      link.href = table.dataset.keyword + "?" + new URLSearchParams({ q: search.keyword });
      link.textContent = search.keyword;
      link.dir = "auto";
      const from = [search.surface, search.agent === "person" ? "" : search.agent, search.language, search.tag].filter(Boolean).join(", ");
      const match = search.match === "corrected" || search.match === "relaxed" ? search.match + ": " + search.served_query : search.match;
      const cells = [search.time.slice(11, 19), link, search.match === "exact" || search.match === "none" ? search.total : search.served, match, from];
      cells.forEach((content, i) => {
        const cell = document.createElement(i === 1 ? "th" : "td");
        if (i === 1) cell.scope = "row";
        cell.append(content);
        row.append(cell);
      });
      rows.prepend(row);
      while (rows.children.length > most) rows.lastChild.remove();
    });
  }
})();
