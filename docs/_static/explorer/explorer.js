/* The explorer of the first page: two maps, clicks, arrow keys and sliders. What they show is computed in affinity.js. */
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const figure = document.querySelector(".explorer");
  if (!figure) return;
  const LEAST = 1e-5, MOST = 0.1; // shares from which on one is seen, and that have the last colour
  const part = name => figure.querySelector(`[name=${name}]`);
  const maps = [...figure.querySelectorAll("canvas")];
  let photo, grey, height, width, scale, pixel, scans;

  /* cividis, from light to dark, as in the figures of spnkit.plot */
  const STOPS = [[253, 234, 69], [203, 187, 105], [148, 142, 119], [87, 93, 109], [18, 53, 112], [0, 32, 77]];
  function colour(level) {
    const at = Math.min(level, 0.9999) * (STOPS.length - 1), i = Math.floor(at);
    return STOPS[i].map((low, c) => low + (at - i) * (STOPS[i + 1][c] - low));
  }

  function paint(canvas, shares) {
    const picture = new ImageData(width, height);
    shares.forEach((share, n) => {
      const level = Math.log(Math.max(share, LEAST) / LEAST) / Math.log(MOST / LEAST), over = Math.min(1, 3 * level);
      const [r, g, b] = colour(Math.min(1, level)), ground = 150 + 105 * grey[n];
      [r, g, b].forEach((c, i) => (picture.data[4 * n + i] = over * c + (1 - over) * ground));
      picture.data[4 * n + 3] = 255;
    });
    const context = canvas.getContext("2d"), [i, j] = [Math.floor(pixel / width), pixel % width];
    context.putImageData(picture, 0, 0);
    for (const [ink, thick] of [["#fff", 2.4], ["#b34700", 1.2]]) {
      context.beginPath();
      context.arc(j + 0.5, i + 0.5, 3, 0, 7);
      [context.strokeStyle, context.lineWidth] = [ink, thick];
      context.stroke();
    }
  }

  const worth = area => (area < 10 ? area.toFixed(1) : Math.round(area).toLocaleString("en")) + " pixels’ worth";

  function show() {
    const hears = part("side").checked, [i, j] = [Math.floor(pixel / width), pixel % width];
    for (const canvas of maps) {
      const shares = (hears ? Affinity.row : Affinity.column)(scans[canvas.id], pixel);
      const sum = shares.reduce((total, share) => total + share, 0);
      const told = hears ? `hears ${worth(Affinity.effectiveArea(shares))}` : `is heard: ${sum.toFixed(2)} in sum`;
      paint(canvas, shares);
      canvas.shares = shares;
      canvas.parentElement.querySelector("output").textContent = told;
      const name = canvas.parentElement.querySelector("b").textContent;
      canvas.setAttribute("aria-label", `${name}: the pixel in row ${i}, column ${j} ${told}. Arrow keys move.`);
    }
  }

  function weigh() {
    const strength = 1 - 10 ** -part("strength").value, sigma = 2 ** part("sigma").value;
    part("strength").nextElementSibling.textContent = strength.toPrecision(3);
    part("sigma").nextElementSibling.textContent = `${sigma.toPrecision(2)} ×`;
    scans = {};
    for (const { id } of maps) scans[id] = Affinity.operator(photo, height, width, id, sigma * scale, strength);
    show();
  }

  function look(i, j) {
    const within = (place, side) => Math.min(Math.max(0, place), side - 1);
    pixel = within(i, height) * width + within(j, width);
    show();
  }

  function listen(canvas) {
    canvas.addEventListener("pointerdown", event => {
      const box = canvas.getBoundingClientRect();
      look(
        Math.floor(((event.clientY - box.top) / box.height) * height),
        Math.floor(((event.clientX - box.left) / box.width) * width)
      );
    });
    canvas.addEventListener("keydown", event => {
      const move = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
      if (!move) return;
      event.preventDefault();
      const stride = event.shiftKey ? 10 : 1;
      look(Math.floor(pixel / width) + stride * move[0], (pixel % width) + stride * move[1]);
    });
  }

  const image = figure.querySelector("img");
  image.src = EXPLORER_PHOTO;
  image.decode().then(() => {
    [height, width] = [image.naturalHeight, image.naturalWidth];
    const [first] = maps;
    for (const canvas of maps) [canvas.width, canvas.height] = [width, height];
    first.getContext("2d", { willReadFrequently: true }).drawImage(image, 0, 0);
    const { data } = first.getContext("2d").getImageData(0, 0, width, height);
    photo = Float64Array.from({ length: 3 * width * height }, (_, n) => data[4 * Math.floor(n / 3) + (n % 3)] / 255);
    grey = Float64Array.from({ length: width * height }, (_, n) => (photo[3 * n] + photo[3 * n + 1] + photo[3 * n + 2]) / 3);
    scale = Affinity.edgeScale(photo, height, width);
    pixel = Math.floor(0.81 * height) * width + Math.floor(0.49 * width); // on the saucer
    maps.forEach(listen);
    listen(image);
    for (const name of ["strength", "sigma"]) part(name).addEventListener("input", weigh);
    figure.querySelectorAll("[name=side]").forEach(choice => choice.addEventListener("change", show));
    figure.classList.add("ready");
    weigh();
  });
});
