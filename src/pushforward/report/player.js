"use strict";
(() => {
  const decode = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const colours = ["#4486d6", "#e07a3f", "#3e9e6e", "#ba62b8"];
  for (const player of document.querySelectorAll(".player")) {
    const points = new Int16Array(decode(player.dataset.points).buffer);
    const groups = decode(player.dataset.colours);
    const titles = player.dataset.titles.split("|");
    const stages = Number(player.dataset.stages), size = groups.length;
    const canvas = player.querySelector("canvas"), pen = canvas.getContext("2d");
    const slider = player.querySelector("input"), button = player.querySelector("button");
    const output = player.querySelector("output");
    const draw = () => {
      const at = Number(slider.value), k = Math.min(Math.floor(at), stages - 2), t = at - k;
      const middle = canvas.width / 2;
      pen.clearRect(0, 0, canvas.width, canvas.height);
      pen.globalAlpha = 0.75;
      for (let i = 0; i < size; i++) {
        const a = 2 * (k * size + i), b = a + 2 * size;
        const x = points[a] + t * (points[b] - points[a]), y = points[a + 1] + t * (points[b + 1] - points[a + 1]);
        pen.fillStyle = colours[groups[i]];
        pen.fillRect(middle * (1 + x / 16000) - 1.75, middle * (1 - y / 16000) - 1.75, 3.5, 3.5);
      }
      const near = Math.round(at);
      output.textContent = Math.abs(at - near) < 0.02 ? titles[near] : "between layers";
    };
    let playing = 0, last = 0;
    const stop = () => { cancelAnimationFrame(playing); playing = 0; button.textContent = "Play"; };
    const step = (now) => {
      // Each layer takes a second: two thirds of it moving, the rest at rest.
      const clock = Math.min((now - last) / 1000, stages - 1);
      const k = Math.floor(clock), t = Math.min((clock - k) * 1.5, 1);
      slider.value = Math.min(k + t * t * (3 - 2 * t), stages - 1);
      draw();
      if (clock < stages - 1) playing = requestAnimationFrame(step); else stop();
    };
    button.addEventListener("click", () => {
      if (playing) return stop();
      last = performance.now();
      button.textContent = "Stop";
      playing = requestAnimationFrame(step);
    });
    slider.addEventListener("input", () => { if (playing) stop(); draw(); });
    player.hidden = false;
    draw();
  }
})();
