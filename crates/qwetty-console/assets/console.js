// Comforts of the console. Every action works without them.

const announcer = document.getElementById("announcer");
const announce = (text) => {
  announcer.textContent = "";
  // A reader notices a change, not a repetition.
  requestAnimationFrame(() => (announcer.textContent = text));
};

const every = (selector, act) => document.querySelectorAll(selector).forEach(act);

// Instants, as people speak of them; the same steps as on the server.
const STEPS = [[31536000, "year"], [2592000, "month"], [86400, "day"], [3600, "hour"], [60, "minute"]];

const span = (seconds, tolerance) => {
  const counts = STEPS.map(([step, unit]) => [Math.floor((seconds + tolerance * step) / step), unit]);
  const [count, unit] = counts.find(([count]) => count > 0);
  return count === 1 ? `1 ${unit}` : `${count} ${unit}s`;
};

const relative = (milliseconds) => {
  const seconds = Math.floor(Math.abs(milliseconds) / 1000);
  if (milliseconds > 0) return seconds < 60 ? "in less than a minute" : `in ${span(seconds, 1 / 20)}`;
  return seconds < 60 ? "just now" : `${span(seconds, 0)} ago`;
};

const countdown = (milliseconds) => {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const parts = [Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60, seconds % 60];
  const clock = parts.map((part) => String(part).padStart(2, "0")).join(":");
  const days = Math.floor(seconds / 86400);
  if (days === 0) return clock;
  return days === 1 ? `1 day, ${clock}` : `${days} days, ${clock}`;
};

const write = (element, text) => {
  if (element.textContent !== text) element.textContent = text;
};

const until = (element) => Date.parse(element.dateTime) - Date.now();
const tellRelative = () => every("time[data-relative]", (time) => write(time, relative(until(time))));
const tellCountdowns = () =>
  every("time[data-countdown]", (time) => {
    const around = time.closest("[data-when-over]");
    if (until(time) > 0) write(time, countdown(until(time)));
    else if (around) write(around, around.dataset.whenOver);
    else write(time, "has ended: reload the page");
  });

if (document.querySelector("time[data-relative]")) {
  tellRelative();
  setInterval(tellRelative, 30_000);
}
if (document.querySelector("time[data-countdown]")) {
  tellCountdowns();
  setInterval(tellCountdowns, 1_000);
}

// What only a script can do is hidden until there is one.
every("[data-script]", (element) => (element.hidden = false));

// <button data-copy="id of an element" data-script hidden>
every("[data-copy]", (button) => {
  const label = button.textContent;
  button.addEventListener("click", async () => {
    const source = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(source.value ?? source.textContent);
      button.textContent = "Copied";
      announce("Copied");
    } catch {
      // No clipboard without TLS: select it, so that one key press copies it.
      getSelection().selectAllChildren(source);
      button.textContent = "Selected: press Ctrl+C";
      announce("Selected. Press Control C to copy.");
    }
    setTimeout(() => (button.textContent = label), 3_000);
  });
});

// <a data-leave-guard>: the page asks before it is left otherwise than by this link.
every("a[data-leave-guard]", (link) => {
  let isDone = false;
  link.addEventListener("click", () => (isDone = true));
  addEventListener("beforeunload", (event) => {
    if (!isDone) event.preventDefault();
  });
});

// <button data-append="text" data-to="id of a text area" data-script hidden>
every("[data-append]", (button) =>
  button.addEventListener("click", () => {
    const area = document.getElementById(button.dataset.to);
    const lines = area.value.split("\n").map((line) => line.trim()).filter(Boolean);
    if (!lines.includes(button.dataset.append)) lines.push(button.dataset.append);
    area.value = lines.join("\n");
    announce(`Added ${button.dataset.append}`);
  }),
);

// <div data-belongs-to="name of a choice" data-value="one of its values">: whoever fills it in chooses that, and whoever
// chooses something else empties it.
every("[data-belongs-to]", (part) => {
  const choices = [...document.getElementsByName(part.dataset.belongsTo)];
  const own = choices.find((choice) => choice.value === part.dataset.value);
  part.addEventListener("input", () => (own.checked = true));
  for (const choice of choices) {
    choice.addEventListener("change", () => {
      if (own.checked) return;
      for (const input of part.querySelectorAll("input")) {
        if (input.type === "checkbox") input.checked = false;
        else input.value = "";
      }
    });
  }
});

// The end of a day in UTC, as the server tells it; the last day of the year 9999 ends with itself.
const EXACT = new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeStyle: "medium", timeZone: "UTC" });

const endOfDay = (date) => {
  if (Number.isNaN(date)) return [];
  const end = Math.min(date + 86_400_000, Date.UTC(10_000, 0) - 1);
  return [`${EXACT.format(end).replace(" at ", ", ")} UTC, ${relative(end - Date.now())}`];
};

// <dl data-words="what choices come to, in the server's words, by field=value">
// <dd data-tells="names of fields" data-nothing="what they say when they are empty">: what the form says, as it is filled in.
const said = (control, words) => {
  const isBox = control.type === "checkbox" || control.type === "radio";
  if (isBox && !control.checked) return [];
  if (control.type === "date") return endOfDay(control.valueAsNumber);
  const known = words[`${control.name}=${control.value}`];
  if (known !== undefined) return known ? [known] : [];
  const text = isBox ? control.closest("label").querySelector("bdi").textContent : control.value;
  return text.split("\n").map((line) => line.trim()).filter(Boolean);
};

const tellForm = (form) =>
  form.querySelectorAll("[data-tells]").forEach((place) => {
    const names = place.dataset.tells.split(" ");
    const controls = names.flatMap((name) => [...form.elements].filter((control) => control.name === name));
    if (controls.length === 0) return;
    const words = JSON.parse(place.closest("[data-words]").dataset.words);
    const told = controls.flatMap((control) => said(control, words));
    const items = (told.length > 0 ? told : [place.dataset.nothing]).map((word) => {
      const item = document.createElement("li");
      item.append(Object.assign(document.createElement("bdi"), { textContent: word }));
      return item;
    });
    place.querySelector("ul").replaceChildren(...items);
  });

every("form:has([data-tells])", (form) => {
  tellForm(form);
  for (const happening of ["input", "change", "click"]) form.addEventListener(happening, () => tellForm(form));
});

// <button data-select-all="id of a group of boxes" data-script hidden>
every("[data-select-all]", (button) =>
  button.addEventListener("click", () => {
    const boxes = [...document.getElementById(button.dataset.selectAll).querySelectorAll("input:enabled")];
    const wanted = boxes.some((box) => !box.checked);
    for (const box of boxes) box.checked = wanted;
    announce(wanted ? "All selected" : "None selected");
  }),
);

// A form that makes a value is sent once: the answer to a second click would hide the value that the first one made.
every("form:has([name=once])", (form) => {
  let isSent = false;
  form.addEventListener("submit", (event) => {
    if (isSent) event.preventDefault();
    isSent = true;
  });
  addEventListener("pageshow", () => (isSent = false));
});

// A form that came back with faults begins at them.
document.getElementById("faults")?.focus();
