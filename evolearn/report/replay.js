"use strict";
// Plays the recorded lives of arms side by side on canvas, with score and drives beneath, and tells of any step in them.
(() => {
  const clips = JSON.parse(document.getElementById("replays").textContent);
  const stages = document.getElementById("stages");
  if (!stages || clips.length === 0) return;
  const play = document.getElementById("play");
  const scrub = document.getElementById("scrub");
  const speed = document.getElementById("speed");
  const clock = document.getElementById("clock");
  const tracks = document.getElementById("tracks");
  const select = document.getElementById("replay-condition");
  const runs = document.getElementById("replay-run");
  const ages = document.getElementById("replay-ages");
  const life = document.getElementById("replay-life");
  const telling = document.getElementById("moment");
  const FRAMES_PER_SECOND = 25;
  const TRACK_HEIGHT = 46;
  const TRACKS = 6; // observations that are drawn of a world that draws nothing itself
  const DASHES = [[], [5, 3], [2, 3]]; // one arm's lines after the other's
  // Colours mean arms: only the newborn itself has one, everything else is a shade.
  const roleColours = { friend: "--c10", foe: "--ink", ground: "--line", goal: "--c11", mark: "--quiet" };

  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  let replay = null;
  let moment = 0; // in frames, with a fraction
  let playing = false;
  let last = 0;
  let opened = 0; // clips so far: what was asked for last is shown, whichever is ready first
  let rows = []; // of the table of a step: its cells, and what they say

  // Base64 of deflated bytes, see `evolearn.report._replays` -> the head, with each arm's columns as Float32Arrays.
  async function unpack(text) {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    const content = await new Response(stream).arrayBuffer();
    const view = new DataView(content);
    const length = view.getUint32(0, true);
    const head = JSON.parse(new TextDecoder().decode(new Uint8Array(content, 4, length)));
    let start = 4 + length;
    for (const arm of head.arms) {
      const size = 2 * arm.rows;
      arm.columns = arm.kept.map((place, column) => {
        let at = 0;
        return Float32Array.from({ length: arm.rows }, (_, row) => {
          if (place < 0) return arm.low[column];
          at = (at + view.getUint16(start + place * size + 2 * row, true)) & 65535;
          return arm.low[column] + ((arm.high[column] - arm.low[column]) * at) / 65535;
        });
      });
      start += size * (Math.max(-1, ...arm.kept) + 1);
      let next = arm.drawn;
      const take = (count) => arm.columns.slice(next, (next += count));
      arm.tracks = take(head.tracks.length);
      for (const name of ["observations", "actions", "senses"]) arm[name] = { names: arm[name], columns: take(arm[name].length) };
      arm.frames = arm.drawn === 0 ? [] : Array.from({ length: arm.rows }, (_, row) =>
        Float32Array.from({ length: arm.drawn }, (_, column) => arm.columns[column][row]));
    }
    return head;
  }

  // A picture that was rendered where the life was lived.
  function asImage(data) {
    const image = new Image();
    image.addEventListener("load", draw);
    image.src = `data:image/webp;base64,${data}`;
    return image;
  }

  const named = (condition, run) => clips.filter((clip) => clip.condition === condition && (run === undefined || clip.run === run));

  async function open(clip) {
    const number = ++opened;
    setPlaying(false);
    delete clock.dataset.frame;
    showChoices(clip);
    const packed = await unpack(clip.data);
    if (number !== opened) return;
    const arms = packed.arms;
    arms.forEach((arm, place) => { arm.pictures = clip.pictures[place].map(asImage); });
    replay = { ...packed, arms, length: Math.min(...arms.map((arm) => arm.rows)) };
    replay.bounds = packed.bounds ?? extent(arms);
    stages.replaceChildren(...arms.map(makeStage));
    life.textContent = `life ${packed.life}`;
    scrub.max = String(Math.max(replay.length - 1, 0));
    showRoles(arms);
    makeTable(arms);
    moment = 0;
    draw();
  }

  // The runs of this condition, and the ages of this run.
  function showChoices(clip) {
    if (select) select.value = clip.condition;
    const numbers = [...new Set(named(clip.condition).map((one) => one.run))];
    runs.replaceChildren(...numbers.map((number) => new Option(String(number), String(number), false, number === clip.run)));
    runs.parentElement.hidden = numbers.length < 2;
    const parts = named(clip.condition, clip.run);
    ages.hidden = parts.length < 2;
    ages.replaceChildren(...parts.map((one) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = one.start === 0 ? "birth" : one.start.toLocaleString("en-US");
      button.setAttribute("aria-pressed", String(one.start === clip.start));
      button.addEventListener("click", () => open(one));
      return button;
    }));
    if (parts.length > 1) ages.prepend("from age ");
  }

  function makeStage(arm) {
    const figure = document.createElement("figure");
    const caption = document.createElement("figcaption");
    const [name, about, score] = ["strong", "span", "span"].map((tag) => document.createElement(tag));
    name.textContent = arm.arm;
    name.style.color = `var(--c${arm.colour})`;
    about.textContent = arm.label === arm.arm ? "" : arm.label;
    caption.append(name, about, score);
    const canvas = document.createElement("canvas");
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `Replay of ${arm.arm}`);
    figure.append(caption, canvas);
    arm.canvas = canvas;
    arm.scoreText = score;
    return figure;
  }

  function showRoles(arms) {
    const seen = new Map();
    for (const arm of arms) for (const shape of arm.shapes) if (shape.label) seen.set(shape.label, shape.role);
    document.getElementById("roles").replaceChildren(...[...seen].filter(([, role]) => role !== "self").map(([label, role]) => {
      const item = document.createElement("span");
      const dot = document.createElement("i");
      dot.style.cssText = `width:.8rem;height:.8rem;border-radius:50%;background:var(${roleColours[role] ?? "--quiet"})`;
      item.append(dot, label);
      return item;
    }));
  }

  // Where the shapes are: numbers of each kind that are places.
  const numbersOf = (shape) => ({ circle: 4, line: 5, polygon: 2 * (shape.points ?? 0) + 1 })[shape.kind];
  const placesOf = (shape) => ({ circle: 2, line: 4, polygon: 2 * (shape.points ?? 0) })[shape.kind];

  function extent(arms) {
    const box = [Infinity, -Infinity, Infinity, -Infinity];
    for (const arm of arms) for (const frame of arm.frames) {
      let start = 0;
      for (const shape of arm.shapes) {
        for (let place = 0; place < placesOf(shape); place += 2) {
          box[0] = Math.min(box[0], frame[start + place]); box[1] = Math.max(box[1], frame[start + place]);
          box[2] = Math.min(box[2], frame[start + place + 1]); box[3] = Math.max(box[3], frame[start + place + 1]);
        }
        start += numbersOf(shape);
      }
    }
    const pad = 0.06 * Math.max(box[1] - box[0], box[3] - box[2], 1e-6);
    return [box[0] - pad, box[1] + pad, box[2] - pad, box[3] + pad];
  }

  // A canvas cleared and scaled to the screen's pixels; width and height in CSS pixels.
  function prepared(canvas, height) {
    const width = canvas.clientWidth;
    const ratio = window.devicePixelRatio || 1;
    canvas.style.height = `${height}px`;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    const pen = canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    return { pen, width, height };
  }

  // The frame at this moment, between its neighbours unless an episode ended there; what jumps is not smeared.
  function between(rows, ends) {
    const before = Math.min(Math.floor(moment), rows.length - 1);
    const after = Math.min(before + 1, rows.length - 1);
    const part = moment - before;
    if (part === 0 || ends.includes(before) || ends.includes(after)) return rows[before];
    const jump = 0.08 * (replay.bounds[1] - replay.bounds[0]);
    return rows[before].map((number, place) => {
      const change = rows[after][place] - number;
      return Math.abs(change) > jump ? number : number + part * change;
    });
  }

  function drawStage(arm) {
    if (arm.pictures.length > 0) return drawPicture(arm);
    if (arm.frames.length === 0) return drawObservations(arm);
    const [left, right, bottom, top] = replay.bounds;
    const height = Math.min(420, (arm.canvas.clientWidth * (top - bottom)) / (right - left));
    const { pen, width } = prepared(arm.canvas, height);
    const scale = Math.min(width / (right - left), height / (top - bottom));
    const x = (value) => width / 2 + (value - (left + right) / 2) * scale;
    const y = (value) => height / 2 - (value - (bottom + top) / 2) * scale;
    const frame = between(arm.frames, arm.ends);
    let start = 0;
    for (const shape of arm.shapes) {
      const numbers = frame.slice(start, start + numbersOf(shape));
      start += numbers.length;
      drawShape(pen, shape, numbers, { x, y, scale }, css(roleColours[shape.role] ?? `--c${arm.colour}`));
    }
  }

  function drawPicture(arm) {
    const image = arm.pictures[Math.min(Math.floor(moment), arm.pictures.length - 1)];
    if (!image.naturalWidth) return; // not loaded yet: it draws itself when it is
    const { pen, width, height } = prepared(arm.canvas, (arm.canvas.clientWidth * image.naturalHeight) / image.naturalWidth);
    pen.drawImage(image, 0, 0, width, height);
  }

  function drawShape(pen, shape, numbers, { x, y, scale }, colour) {
    pen.globalAlpha = Math.max(0, Math.min(1, numbers[numbers.length - 1]));
    pen.fillStyle = pen.strokeStyle = colour;
    pen.lineWidth = 2.5;
    pen.lineCap = "round";
    pen.beginPath();
    if (shape.kind === "circle") {
      pen.arc(x(numbers[0]), y(numbers[1]), Math.max(numbers[2] * scale, 2), 0, 2 * Math.PI);
      shape.role === "goal" || shape.role === "mark" ? pen.stroke() : pen.fill();
    } else if (shape.kind === "line") {
      pen.moveTo(x(numbers[0]), y(numbers[1]));
      pen.lineTo(x(numbers[2]), y(numbers[3]));
      pen.stroke();
    } else if (shape.kind === "polygon") {
      for (let place = 0; place < numbers.length - 1; place += 2) pen.lineTo(x(numbers[place]), y(numbers[place + 1]));
      pen.closePath();
      pen.fill();
    }
    if (shape.label && (shape.role === "friend" || shape.role === "foe")) drawLabel(pen, shape, numbers, x, y);
    pen.globalAlpha = 1;
  }

  // The name of somebody, above its highest point.
  function drawLabel(pen, shape, numbers, x, y) {
    const places = Array.from(numbers.slice(0, placesOf(shape)));
    const across = places.filter((_, place) => place % 2 === 0);
    const up = places.filter((_, place) => place % 2 === 1);
    const top = Math.max(...up) + (shape.kind === "circle" ? numbers[2] : 0);
    pen.font = "11px system-ui, sans-serif";
    pen.textAlign = "center";
    pen.fillStyle = css("--ink");
    if (pen.globalAlpha > 0) pen.globalAlpha = Math.max(pen.globalAlpha, 0.7);
    pen.fillText(shape.label, x((Math.min(...across) + Math.max(...across)) / 2), y(top) - 4);
  }

  function drawObservations(arm) {
    const names = arm.observations.names.slice(0, TRACKS);
    const { pen, width } = prepared(arm.canvas, Math.max(names.length, 1) * TRACK_HEIGHT);
    names.forEach((name, row) => {
      drawTrack(pen, width, row, name, [{ values: arm.observations.columns[row], colour: css(`--c${arm.colour}`) }]);
    });
    drawCursor(pen, width, names.length);
  }

  function drawTrack(pen, width, row, name, lines) {
    const all = lines.flatMap((line) => Array.from(line.values));
    const low = all.reduce((a, b) => Math.min(a, b), Infinity);
    const high = all.reduce((a, b) => Math.max(a, b), -Infinity);
    const top = row * TRACK_HEIGHT;
    const place = (value) => top + TRACK_HEIGHT - 5 - ((value - low) / (high - low || 1)) * (TRACK_HEIGHT - 22);
    pen.strokeStyle = css("--line");
    pen.lineWidth = 1;
    pen.beginPath();
    pen.moveTo(0, top + TRACK_HEIGHT - 0.5);
    pen.lineTo(width, top + TRACK_HEIGHT - 0.5);
    pen.stroke();
    for (const line of lines) {
      pen.strokeStyle = line.colour;
      pen.lineWidth = 1.3;
      pen.setLineDash(line.dash ?? []);
      pen.beginPath();
      line.values.forEach((value, frame) => pen.lineTo((frame / Math.max(line.values.length - 1, 1)) * width, place(value)));
      pen.stroke();
      pen.setLineDash([]);
    }
    pen.fillStyle = css("--ink");
    pen.font = "600 11px system-ui, sans-serif";
    pen.textAlign = "left";
    pen.fillText(name, 4, top + 12, width * 0.6);
    pen.fillStyle = css("--quiet");
    pen.textAlign = "right";
    pen.font = "11px system-ui, sans-serif";
    pen.fillText(`${low.toPrecision(2)} to ${high.toPrecision(2)}`, width - 4, top + 12);
  }

  function drawCursor(pen, width, rows) {
    const x = (moment / Math.max(replay.length - 1, 1)) * width;
    pen.strokeStyle = css("--ink");
    pen.lineWidth = 1.5;
    pen.beginPath();
    pen.moveTo(x, 0);
    pen.lineTo(x, rows * TRACK_HEIGHT);
    pen.stroke();
  }

  function drawTracks() {
    const { pen, width } = prepared(tracks, replay.tracks.length * TRACK_HEIGHT);
    replay.tracks.forEach((name, row) => drawTrack(pen, width, row, row ? `drive: ${name}` : replay.score,
      replay.arms.map((arm, place) => ({
        values: arm.tracks[row], colour: css(`--c${arm.colour}`), dash: DASHES[place % DASHES.length],
      }))));
    drawCursor(pen, width, replay.tracks.length);
  }

  // --- what is known of a step ---

  const MINUS = "\u2212";
  const digits = (value) => (Math.abs(value) >= 100 ? value.toFixed(1) : value.toFixed(3)).replace("-", MINUS);

  function makeTable(arms) {
    const body = telling.querySelector("tbody");
    const groups = [
      ["it observes", "observations"], ["it does", "actions"], ["it senses", "senses"], ["it is rewarded for", "rewards"],
    ];
    const rewards = replay.tracks.slice(1);
    rows = [];
    body.replaceChildren();
    telling.querySelector("thead tr").replaceChildren(...["", ...arms.map((arm) => arm.arm)].map((text) => cell("th", text)));
    for (const [title, group] of groups) {
      const names = group === "rewards" ? [...rewards, "in all"] : [...new Set(arms.flatMap((arm) => arm[group].names))];
      if (names.length === 0) continue;
      body.append(line([Object.assign(cell("th", title), { colSpan: arms.length + 1, className: "group" })]));
      names.forEach((name, place) => {
        const cells = arms.map(() => Object.assign(cell("td", ""), { className: "number" }));
        body.append(line([cell("th", name), ...cells]));
        rows.push({ cells, read: arms.map((arm) => reader(arm, group, name, place)) });
      });
    }
  }

  // What of an arm a row tells, by frame.
  function reader(arm, group, name, place) {
    if (group === "rewards") {
      const felt = arm.tracks.slice(1);
      return (frame) => digits(place < felt.length ? felt[place][frame] : felt.reduce((sum, one) => sum + one[frame], 0));
    }
    const column = arm[group].columns[arm[group].names.indexOf(name)];
    if (column === undefined) return () => "\u2013";
    if (group === "actions" && arm.choices.length > 0) return (frame) => arm.choices[Math.round(column[frame])] ?? "\u2013";
    return (frame) => digits(column[frame]);
  }

  function cell(kind, text) {
    const made = document.createElement(kind);
    made.textContent = text;
    return made;
  }

  function line(cells) {
    const made = document.createElement("tr");
    made.append(...cells);
    return made;
  }

  function tell(frame) {
    if (!telling.open) return;
    const first = replay.start + frame * replay.steps;
    const until = replay.steps > 1 ? ` .. ${(first + replay.steps - 1).toLocaleString("en-US")}` : "";
    telling.querySelector(".facts").textContent = `Step ${first.toLocaleString("en-US")}${until} of life: what is observed and done in the first of them; ` +
      "what is sensed, mean over them; reward by drive, sum over them: the sense times the weight that its DNA gives it.";
    for (const row of rows) row.cells.forEach((one, place) => { one.textContent = row.read[place](frame); });
  }

  function draw() {
    if (replay === null) return;
    const frame = Math.floor(moment);
    for (const arm of replay.arms) {
      drawStage(arm);
      arm.scoreText.textContent = `${replay.score}: ${arm.tracks[0][Math.min(frame, arm.rows - 1)].toFixed(2)}`;
    }
    drawTracks();
    tell(frame);
    scrub.value = String(frame);
    const age = (at) => replay.start + at * replay.steps;
    clock.textContent = `step ${age(frame)} of ${age(replay.length - 1)}`;
    clock.dataset.frame = String(frame);
    scrub.setAttribute("aria-valuetext", clock.textContent);
  }

  function tick(now) {
    if (!playing) return;
    // A frame's time may lie before the click that started the film.
    moment += (Math.max(0, now - last) / 1000) * FRAMES_PER_SECOND * Number(speed.value);
    last = now;
    if (moment >= replay.length - 1) {
      moment = replay.length - 1;
      setPlaying(false);
    }
    draw();
    if (playing) requestAnimationFrame(tick);
  }

  function setPlaying(now) {
    playing = now;
    play.textContent = playing ? "❚❚ Pause" : "▶ Play";
    play.setAttribute("aria-label", playing ? "Pause" : "Play");
  }

  play.addEventListener("click", () => {
    if (replay === null) return;
    setPlaying(!playing);
    if (!playing) return;
    if (moment >= replay.length - 1) moment = 0;
    last = performance.now();
    requestAnimationFrame(tick);
  });
  scrub.addEventListener("input", () => { moment = Number(scrub.value); draw(); });
  telling.addEventListener("toggle", draw);
  // A click on a line picks the step under it.
  function pick(event) {
    if (replay === null) return;
    const share = event.offsetX / event.currentTarget.clientWidth;
    moment = Math.round(Math.max(0, Math.min(1, share)) * (replay.length - 1));
    setPlaying(false);
    telling.open = true;
    draw();
  }
  tracks.addEventListener("click", pick);

  // The same run and age under another condition, if they are there.
  function show(condition) {
    const found = named(condition);
    if (found.length === 0) return;
    const like = (one) => (one.run === replay?.run ? 2 : 0) + (one.start === replay?.start ? 1 : 0);
    open(found.reduce((best, one) => (like(one) > like(best) ? one : best)));
  }
  select?.addEventListener("change", () => {
    show(select.value);
    window.dispatchEvent(new CustomEvent("replay-condition", { detail: select.value }));
  });
  runs.addEventListener("change", () => {
    const found = named(replay.condition, Number(runs.value));
    open(found.find((one) => one.start === replay.start) ?? found[0]);
  });
  window.addEventListener("condition", (event) => show(event.detail));
  if (!("DecompressionStream" in window)) {
    life.textContent = "This browser is too old to play the replay.";
    return;
  }
  window.addEventListener("theme", draw);
  new ResizeObserver(draw).observe(tracks);
  open(clips[0]);
})();
