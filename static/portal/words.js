// The words that scripts write, in the page's language. The page brings them: see portal/web/languages.py.
let words = null;

export function said(word, values = {}) {
  words ??= JSON.parse(document.body.dataset.said ?? "{}");
  return (words[word] ?? word).replace(/%\((\w+)\)s/g, (place, name) => values[name] ?? place);
}
