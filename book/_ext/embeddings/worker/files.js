// From files to the two sides: what kind of file each is, which of its arrays are meant, and whether they can be a pair.

const KINDS = [
  [[0x89, 0x50, 0x4e, 0x47], "a picture (PNG)"],
  [[0xff, 0xd8, 0xff], "a picture (JPEG)"],
  [[0x47, 0x49, 0x46, 0x38], "a picture (GIF)"],
  [[0x52, 0x49, 0x46, 0x46], "a picture or a sound (RIFF)"],
  [[0x25, 0x50, 0x44, 0x46], "a PDF"],
  [[0x89, 0x48, 0x44, 0x46], "an HDF5 file"],
  [[0x50, 0x41, 0x52, 0x31], "a Parquet file"],
  [[0x1f, 0x8b], "compressed by gzip"],
];
const NPY = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
const ZIP = [0x50, 0x4b];
// Words in a key that tell its side, as mindgap.load_pairs reads them.
const SIDES = [
  ["image", "images", "img", "imgs", "visual", "vision", "picture", "pictures", "photo", "photos", "x"],
  ["text", "texts", "txt", "caption", "captions", "language", "y"],
];
const IN_ORDER = [["arr_0", "arr_1"], ["0", "1"]];

function torchInWords(name) {
  return `${name} is a file of PyTorch, or another pickle. To open such a file is to run what it says, so this page does not. In Python: numpy.save("image.npy", torch.load("${name}", weights_only=True).float().numpy()).`;
}

function startsWith(bytes, beginning) {
  return beginning.every((one, i) => bytes[i] === one);
}

function isText(bytes) {
  try {
    return !/[\0-\x08\x0e-\x1f]/.test(new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true }));
  } catch {
    return false;
  }
}

// Every array of one file: [{ key, shape, code, values }], the key being "" in a .npy file.
async function arraysOf(file) {
  const { name } = file;
  if (file.size > LARGEST) refuse(`${name} has ${bytesInWords(file.size)}; this page reads files up to ${bytesInWords(LARGEST)}. In the shell, mindgap report has no such limit.`);
  if (!file.size) refuse(`${name} is empty.`);
  const bytes = new Uint8Array(await file.arrayBuffer().catch(() => refuse(`${name} could not be read. Was it moved, or is it a folder?`)));
  if (startsWith(bytes, NPY)) return [{ key: "", ...readNpy(bytes, name) }];
  if (startsWith(bytes, ZIP)) {
    const members = await readNpz(bytes, name);
    return members.map(({ key, bytes: member }) => {
      if (!startsWith(member, NPY)) refuse(`${name}: its member ${key}.npy is no .npy file.`);
      return { key, ...readNpy(member, `${name}, ${key}`) };
    });
  }
  if ((bytes[0] === 0x80 && bytes[1] >= 2 && bytes[1] <= 5) || /\.(pt|pth|pkl|ckpt)$/i.test(name)) refuse(torchInWords(name));
  if (/\.safetensors$/i.test(name)) refuse(`${name} is a safetensors file, which this page does not read; mindgap report in the shell does. Or save its tensors by numpy.save.`);
  const [, kind] = KINDS.find(([beginning]) => startsWith(bytes, beginning)) || [];
  refuse(`${name} is ${kind || (isText(bytes.subarray(0, 512)) ? "text" : "of no kind that this page knows")}. Expected are embeddings as numpy saves them: .npy or .npz.`);
}

function sideOf(key) {
  const words = (key.match(/[A-Z]?[a-z]+|[A-Z]+/g) || []).map((one) => one.toLowerCase());
  const sides = [0, 1].filter((side) => SIDES[side].some((one) => words.includes(one)));
  return sides.length === 1 ? sides[0] : undefined;
}

function halves({ shape, code, values, key }) {
  const half = shape[1] * shape[2];
  return [0, 1].map((side) => ({ key, code, shape: shape.slice(1), values: values.subarray(side * half, (side + 1) * half) }));
}

function listed(arrays) {
  return arrays.map((one) => `${one.key} ${shapeInWords(one.shape)}`.trim()).join(", ");
}

// The one side that a file holds, or both.
function sidesOf(arrays, name) {
  const matrices = arrays.filter((one) => one.shape.length === 2);
  const stacked = arrays.filter((one) => one.shape.length === 3 && one.shape[0] === 2);
  if (stacked.length === 1 && !matrices.length) return halves(stacked[0]);
  if (matrices.length === 1) return matrices;
  if (matrices.length === 2) {
    const keys = matrices.map((one) => one.key);
    const by = IN_ORDER.find((order) => order.every((key) => keys.includes(key)));
    if (by) return by.map((key) => matrices.find((one) => one.key === key));
    const [first, second] = keys.map(sideOf);
    return first === 1 && second !== 1 ? [matrices[1], matrices[0]] : matrices;
  }
  if (matrices.length) {
    const sides = [0, 1].map((side) => matrices.filter((one) => sideOf(one.key) === side));
    if (sides.every((side) => side.length === 1)) return sides.flat();
    refuse(`${name} holds ${matrices.length} matrices (${listed(arrays)}), and two are expected, one of each modality.`);
  }
  refuse(`${name} has the shape ${listed(arrays)}. Expected is a matrix, a row for each embedding; or both sides as one array of 2 × rows × dimensions.`);
}

const stem = (name) => name.replace(/\.[^.]*$/, "");

// Both sides with their names; of one file that holds one side, that side alone.
async function sidesOfFiles(files, progress) {
  const sides = [];
  for (const [i, file] of files.entries()) {
    progress("reading the files", i / files.length);
    const found = sidesOf(await arraysOf(file), file.name);
    if (files.length === 2 && found.length === 2) refuse(`${file.name} holds both sides itself. Choose it alone, or two files of one matrix each.`);
    const named = found.map((one) => ({ ...one, file: file.name, label: found.length === 1 ? stem(file.name) : one.key }));
    sides.push(...named);
  }
  return sides;
}

// Whether two sides can be a pair, and every row of both a direction.
function checkPair([x, y]) {
  const [[n, d], [m, e]] = [x.shape, y.shape];
  const both = x.file === y.file ? x.file : `${x.file} and ${y.file}`;
  if (n !== m) refuse(`${both}: row i of one must belong with row i of the other, but there are ${whole(n)} rows and ${whole(m)}.`);
  if (d !== e) refuse(`${both}: both must have as many dimensions, but there are ${whole(d)} and ${whole(e)}. Were they made by two models?`);
  if (n < 2) refuse(`${both}: at least two pairs are needed, and there ${n ? "is one" : "is none"}.`);
  if (d < 1) refuse(`${both}: the rows have no numbers in them.`);
}
