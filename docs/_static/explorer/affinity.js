/* The linear propagation in JavaScript: weights that follow colour, scans, rows and columns of the affinity.
   Held against the library by tests/docs/test_explorer.py. Maps are flat arrays, row after row. */
"use strict";

const Affinity = (() => {
  const DIRECTIONS = ["left_to_right", "right_to_left", "top_to_bottom", "bottom_to_top"];

  /* Pixels in the order of a scan, and where the neighbours of each lie: straight back, or to both sides of that too. */
  function walk(height, width, direction, connection) {
    const across = direction === "left_to_right" || direction === "right_to_left";
    const reverse = direction === "right_to_left" || direction === "bottom_to_top";
    const [steps, lanes] = across ? [width, height] : [height, width];
    const at = (step, lane) => {
      const place = reverse ? steps - 1 - step : step;
      return across ? lane * width + place : place * width + lane;
    };
    const offsets = connection === "three_way" ? [-1, 0, 1] : [0];
    const inside = lane => lane >= 0 && lane < lanes;
    const order = new Int32Array(steps * lanes), back = offsets.map(() => new Int32Array(steps * lanes).fill(-1));
    for (let step = 0, n = 0; step < steps; step++)
      for (let lane = 0; lane < lanes; lane++, n++) {
        order[n] = at(step, lane);
        offsets.forEach((o, k) => {
          if (step && inside(lane + o)) back[k][order[n]] = at(step - 1, lane + o);
        });
      }
    return { order, back };
  }

  /* |I - I'|^2 of two pixels of a photo: three numbers in [0, 1] each. */
  function difference(photo, a, b) {
    let sum = 0;
    for (let c = 0; c < 3; c++) sum += (photo[3 * a + c] - photo[3 * b + c]) ** 2;
    return sum;
  }

  /* What nine of ten differences between neighbours do not reach: spnkit.affinity.edge_scale. */
  function edgeScale(photo, height, width) {
    const steps = [];
    for (let i = 0; i < height; i++)
      for (let j = 0; j < width; j++) {
        const n = i * width + j;
        if (j + 1 < width) steps.push(Math.sqrt(difference(photo, n, n + 1)));
        if (i + 1 < height) steps.push(Math.sqrt(difference(photo, n, n + width)));
      }
    const sorted = Float64Array.from(steps).sort(), most = sorted[Math.floor(0.9 * (sorted.length - 1))];
    if (most > 0) return most;
    const some = sorted.filter(step => step > 0), half = some.length >> 1;
    return some.length ? (some[half] + some[(some.length - 1) >> 1]) / 6 : 1;
  }

  /* p_o = s a_o^2 / (sum of a), for one direction: spnkit.affinity.color_similarity_weights. */
  function colourWeights(photo, height, width, direction, connection, sigma, strength) {
    const { order, back } = walk(height, width, direction, connection);
    const p = back.map(() => new Float64Array(order.length));
    for (const n of order) {
      let total = 0;
      back.forEach((from, k) => {
        if (from[n] >= 0) total += p[k][n] = Math.exp(-difference(photo, n, from[n]) / (2 * sigma * sigma));
      });
      if (total > 0) for (const each of p) each[n] *= (strength * each[n]) / total;
    }
    return { p, order, back };
  }

  /* h = (1 - sum of p) x + (sum of p h of the neighbours): one scan, spnkit.scan. */
  function scan({ p, order, back }, x) {
    const h = new Float64Array(x.length);
    for (const n of order) {
      h[n] = x[n];
      p.forEach((each, k) => {
        if (back[k][n] >= 0) h[n] += each[n] * (h[back[k][n]] - x[n]);
      });
    }
    return h;
  }

  /* The transpose of a scan, which runs backwards. */
  function adjoint({ p, order, back }, gradient) {
    const total = Float64Array.from(gradient), found = new Float64Array(gradient.length);
    for (let place = order.length - 1; place >= 0; place--) {
      const n = order[place];
      let kept = 1;
      p.forEach((each, k) => {
        if (back[k][n] < 0) return;
        kept -= each[n];
        total[back[k][n]] += each[n] * total[n];
      });
      found[n] = kept * total[n];
    }
    return found;
  }

  /* Weights of all four directions. */
  function operator(photo, height, width, connection, sigma, strength) {
    return DIRECTIONS.map(d => colourWeights(photo, height, width, d, connection, sigma, strength));
  }

  function mean(scans, run, pixel) {
    const impulse = new Float64Array(scans[0].order.length), found = new Float64Array(impulse.length);
    impulse[pixel] = 1;
    for (const each of scans) run(each, impulse).forEach((share, n) => (found[n] += share / scans.length));
    return found;
  }

  /* Whom a pixel hears, and who hears it, by the mean of the directions. */
  const row = (scans, pixel) => mean(scans, adjoint, pixel);
  const column = (scans, pixel) => mean(scans, scan, pixel);

  /* How many equal shares would be as much. */
  function effectiveArea(shares) {
    let sum = 0, squares = 0;
    for (const share of shares) [sum, squares] = [sum + share, squares + share * share];
    return squares ? (sum * sum) / squares : 0;
  }

  return { DIRECTIONS, edgeScale, colourWeights, scan, adjoint, operator, row, column, effectiveArea };
})();

if (typeof module !== "undefined") module.exports = Affinity;
