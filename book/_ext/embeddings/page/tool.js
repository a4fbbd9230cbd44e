// The page's side: files come in by drop, by choice or as the sample; a worker computes; what it finds is shown. There is
// one set of files at a time, and nothing of an earlier one stays when the next comes. Nothing is sent anywhere.

const SEED = 0;

function begin() {
  const tool = document.querySelector(".mindgap-embeddings");
  const part = (name) => tool.querySelector(`.mindgap-embeddings-${name}`);
  const act = (name) => tool.querySelector(`[data-act="${name}"]`);
  const [input, zone] = [tool.querySelector("#mindgap-files"), tool.querySelector(".mindgap-drop")];
  const [said, results, work, names] = ["said", "results", "work", "names"].map(part);
  const fields = [...names.querySelectorAll("input")];
  const progress = tool.querySelector("progress");
  const code = URL.createObjectURL(new Blob([WORKER], { type: "text/javascript" }));
  let files;
  let given; // names that come with the files
  let swapped = false;
  let kept; // a file of one side that waits for its partner
  let worker;
  let found;

  const say = (words, wrong = false) => {
    said.textContent = words;
    said.classList.toggle("is-wrong", wrong);
  };

  const stop = () => {
    worker?.terminate();
    worker = undefined;
    work.hidden = true;
  };

  const forget = () => {
    stop();
    found = undefined;
    clear(results);
    names.hidden = true;
    act("swap").hidden = true;
  };

  const called = () => {
    const names = fields.map((field, i) => field.value.trim() || ["first", "second"][i]);
    return names[0] === names[1] ? [names[0], `${names[1]} 2`] : names;
  };

  const label = (labels) => {
    const usable = labels[0] !== labels[1] && labels.every((one) => one && !/^(arr_)?\d$/.test(one));
    (usable ? labels : ["first", "second"]).forEach((one, i) => (fields[i].value = one.slice(0, 40)));
  };

  function start() {
    forget();
    progress.value = 0;
    part("step").textContent = "Reading the files";
    work.hidden = false;
    say(`Computing, from ${files.map((one) => one.name).join(" and ")}.`);
    worker = new Worker(code);
    worker.onmessage = ({ data }) => hear(data);
    worker.onerror = (event) => hear({ kind: "refused", words: `This should not have happened: ${event.message}. Please report it, with the shapes of your files.` });
    worker.postMessage({ files, swapped, seed: SEED, exact: Number(tool.dataset.exact) });
  }

  function hear(message) {
    if (message.kind === "progress") {
      progress.value = message.share;
      part("step").textContent = `${message.step[0].toUpperCase()}${message.step.slice(1)}: ${Math.round(100 * message.share)} %`;
      return;
    }
    stop();
    if (message.kind === "half") {
      kept = files[0];
      say(`${message.file} holds one side, ${message.shape.map((one) => one.toLocaleString("en")).join(" × ")} numbers. Add the file with the other side.`);
    } else if (message.kind === "refused") {
      say(kept ? `${message.words} ${kept.name} still waits for its partner; two files at once begin anew.` : message.words, true);
    } else {
      found = message;
      kept = undefined;
      label(given || found.labels);
      names.hidden = false;
      act("swap").hidden = false;
      render(results, found, called());
      say(summary(found, called()));
    }
  }

  // Another set of files, which may bring its names.
  function measure(set, labels) {
    files = set;
    given = labels;
    swapped = false;
    start();
  }

  // Two files are a new set; one is the partner of one that waits, and else the beginning of a new set.
  function take(list) {
    const chosen = [...list];
    if (!chosen.length) return;
    if (chosen.length > 1) kept = undefined;
    if (chosen.length > 2) {
      forget();
      say(`${chosen.length} files came, and two are needed: one of each modality.`, true);
      return;
    }
    measure(kept ? [kept, ...chosen] : chosen);
  }

  async function sample() {
    if (typeof DecompressionStream === "undefined") {
      say("The sample is compressed, which this browser cannot undo. Choose files of your own, or a newer browser.", true);
      return;
    }
    const before = files;
    const deflated = new Blob([bytesOf(window.mindgapSample.planes)]).stream();
    const planes = await new Response(deflated.pipeThrough(new DecompressionStream("deflate-raw"))).arrayBuffer();
    if (files !== before) return; // others have come meanwhile
    kept = undefined;
    measure([new File([interleaved(new Uint8Array(planes))], "clip.npy")], window.mindgapSample.modalities);
  }

  input.addEventListener("change", () => {
    take(input.files);
    input.value = ""; // the same files can be chosen again
  });

  // A file that is dropped beside the zone would take the place of the page; so it is taken wherever it is dropped.
  const carries = (event) => [...(event.dataTransfer?.types || [])].includes("Files");
  document.addEventListener("dragover", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
    zone.classList.add("is-over");
  });
  document.addEventListener("dragleave", (event) => event.relatedTarget || zone.classList.remove("is-over"));
  document.addEventListener("drop", (event) => {
    zone.classList.remove("is-over");
    if (!carries(event)) return;
    event.preventDefault();
    take(event.dataTransfer.files);
  });

  act("sample").addEventListener("click", () => {
    const measured = () => sample().catch((error) => say(`This should not have happened: ${error.message}. Choose files of your own, and please report it.`, true));
    say("Fetching the sample from beside this page.");
    if (window.mindgapSample) {
      measured();
      return;
    }
    // A script beside this one, since a page that was opened from a file may read no other kind.
    const script = make("script", { src: SCRIPT.src.replace(/[^/]*$/, "mindgap-sample.js") });
    script.onload = measured;
    script.onerror = () => say("The sample is not beside this page. Choose files of your own.", true);
    document.head.append(script);
  });
  act("swap").addEventListener("click", () => {
    swapped = !swapped;
    given = fields.map((field) => field.value.trim()).reverse(); // also those that somebody has written
    start();
  });
  act("cancel").addEventListener("click", () => {
    forget();
    kept = undefined;
    say("Cancelled. Nothing was kept.");
    input.focus();
  });
  for (const field of fields) {
    field.addEventListener("change", () => {
      if (!found) return;
      clear(results);
      render(results, found, called());
      say(summary(found, called()));
    });
  }
  tool.classList.add("is-ready");
}

const SCRIPT = document.currentScript;
begin();
