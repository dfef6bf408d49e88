// A form that is too large is told before it is sent: the server would read none of it.
import { said } from "./words.js";

export function watchSize() {
  for (const form of document.querySelectorAll("form[data-max-size]")) {
    form.addEventListener("submit", (event) => {
      const most = Number(form.dataset.maxSize);
      const size = sizeOf(form);
      document.querySelector("[data-too-large]")?.remove();
      if (size <= most) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      tell(form, said("The form has %(size)s; at most %(most)s can be sent. Attach less, or smaller files.", { size: words(size), most: words(most) }));
    });
  }
}

function sizeOf(form) {
  let size = 0;
  for (const [name, value] of new FormData(form)) {
    size += name.length + 120 + (value instanceof File ? value.size : new Blob([value]).size);
  }
  return size;
}

function tell(form, text) {
  const box = document.createElement("div");
  box.className = "error-summary";
  box.dataset.tooLarge = "";
  box.setAttribute("role", "alert");
  box.tabIndex = -1;
  const title = document.createElement("h2");
  title.textContent = said("There is a problem");
  const line = document.createElement("p");
  line.textContent = text;
  box.append(title, line);
  form.before(box);
  box.focus();
}

function words(size) {
  return size >= 2 ** 20 ? `${(size / 2 ** 20).toFixed(1).replace(/\.0$/, "")} MB` : `${Math.ceil(size / 1024)} kB`;
}
