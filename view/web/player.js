"use strict";
// Frames that stand in the page itself: each is decoded before it is shown, so that nothing flickers.
const film = JSON.parse(document.getElementById("film").textContent);
const [stage, slider, now, button] = ["stage", "time", "now", "play"].map((id) => document.getElementById(id));
const pictures = film.pictures.map((source, index) => {
  const picture = new Image();
  picture.src = source;
  picture.alt = `${film.title}, ${film.labels[index]}`;
  return picture;
});
let index = -1;
let playing = 0;

async function go(wanted) {
  const next = Math.min(Math.max(wanted, 0), pictures.length - 1);
  if (next === index) return;
  index = next;
  if (slider) slider.value = next;
  if (slider) slider.setAttribute("aria-valuetext", film.labels[next]);
  now.textContent = pictures.length > 1 ? `${film.labels[next]} · ${next + 1} of ${pictures.length}` : film.labels[next];
  await pictures[next].decode();
  if (next === index) stage.replaceChildren(pictures[next]);
}

function play(on) {
  clearInterval(playing);
  playing = on ? setInterval(() => go((index + 1) % pictures.length), 1000 / film.fps) : 0;
  button.textContent = on ? "❚❚ Pause" : "▶ Play";
}

if (slider) {
  slider.addEventListener("input", () => { play(false); go(Number(slider.value)); });
  button.addEventListener("click", () => play(!playing));
  const keys = {
    " ": () => play(!playing),
    ArrowRight: () => go(index + 1),
    ArrowLeft: () => go(index - 1),
    Home: () => go(0),
    End: () => go(pictures.length - 1),
  };
  document.addEventListener("keydown", (event) => {
    if (!(event.key in keys) || (event.key === " " && event.target === button)) return;
    event.preventDefault();
    if (event.key !== " ") play(false);
    keys[event.key]();
  });
}
go(film.first);
