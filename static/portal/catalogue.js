// The catalogue of requests is searched while one types; Enter asks the server the same.
export function searchCatalogue() {
  const input = document.querySelector("[data-catalogue-search]");
  const rows = Array.from(document.querySelectorAll("[data-words]"));
  if (!input || !rows.length || input.value) return; // of a page that is a search's answer, rows are missing
  const count = document.querySelector("[data-catalogue-count]");
  const all = count.textContent;
  input.addEventListener("input", () => {
    const wanted = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of rows) row.hidden = !wanted.every((word) => row.dataset.words.includes(word));
    for (const group of document.querySelectorAll("[data-catalogue-group]")) {
      group.hidden = !group.querySelector("[data-words]:not([hidden])");
    }
    const found = rows.filter((row) => !row.hidden).length;
    document.querySelector("[data-catalogue-none]").hidden = found > 0;
    count.hidden = !found;
    count.textContent = !wanted.length ? all : found === 1 ? count.dataset.one : count.dataset.many.replace("#", found);
  });
}
