// What hangs on an answer is shown while it is given; without this script it is always there, and judged when it is sent.
export function followAnswers() {
  const parts = Array.from(document.querySelectorAll("[data-when]"));
  if (!parts.length) return;
  const judge = () => {
    for (const part of parts) {
      const wanted = JSON.parse(part.dataset.whenValues);
      part.classList.toggle("rests", !answers(part).some((answer) => wanted.includes(answer)));
    }
  };
  document.addEventListener("input", judge);
  document.addEventListener("change", judge);
  judge();
}

// What the inputs of a name say: a box that is not ticked says no, and one that is not there (a decision) leaves all open.
function answers(part) {
  const inputs = Array.from(part.closest("form").elements).filter((input) => input.name === part.dataset.when && input.type !== "submit");
  if (!inputs.length) return JSON.parse(part.dataset.whenValues);
  if (inputs[0].type === "checkbox" && inputs.length === 1) return [inputs[0].checked ? "true" : "false", inputs[0].checked ? inputs[0].value : ""];
  const chosen = inputs.filter((input) => !["radio", "checkbox"].includes(input.type) || input.checked);
  return chosen.length ? chosen.map((input) => input.value) : [""];
}
