// What is asked of the rows of a list is asked beside them: the page of the question, as a dialog.

export function askBeside() {
  document.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (event.defaultPrevented || button?.name !== "_ask") return;
    event.preventDefault();
    const form = event.target;
    const values = new FormData(form, button);
    ask(button.formAction, { method: "POST", body: new URLSearchParams(values) }, () => {
      form.action = button.formAction;
      const field = document.createElement("input");
      Object.assign(field, { type: "hidden", name: button.name, value: button.value });
      form.append(field);
      form.submit();
    }).finally(() => { delete form.dataset.sent; });  // it can be asked again
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-beside]");
    if (!link || event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    ask(link.href, {}, () => location.assign(link.href));
  });
}

// Whatever is no question, a page to sign in among it, is gone to as without a script.
async function ask(address, options, go) {
  const answer = await fetch(address, options).catch(() => null);
  const page = answer && new DOMParser().parseFromString(await answer.text(), "text/html");
  const question = answer?.ok && page.querySelector("main [data-question]");
  if (question) show(question); else go();
}

function show(question) {
  const dialog = document.createElement("dialog");
  dialog.className = "beside-rows";
  const title = question.querySelector("h1");
  const heading = document.createElement("h2");
  heading.id = "question";
  heading.append(...title.childNodes);
  title.replaceWith(heading);
  dialog.setAttribute("aria-labelledby", heading.id);
  dialog.append(...question.childNodes);
  dialog.addEventListener("click", (event) => {
    if (event.target.closest(".actions a")) { event.preventDefault(); dialog.close(); }
  });
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  dialog.querySelector("input:not([type=hidden], [type=checkbox]), select, textarea")?.focus();
}
