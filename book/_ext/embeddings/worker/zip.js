// A .npz file is a zip of .npy files. Only its table of contents at the end is believed, and that only as far as the
// bytes bear it out: no member may unfold to more than it says, all of them together to no more than a file may have.

const MOST_MEMBERS = 64;
const STORED = 0;
const DEFLATED = 8;
const CRC = Uint32Array.from({ length: 256 }, (_, n) => {
  let one = n;
  for (let bit = 0; bit < 8; bit++) one = one & 1 ? (one >>> 1) ^ 0xedb88320 : one >>> 1;
  return one >>> 0;
});

function crc32(bytes) {
  let crc = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) crc = CRC[(crc ^ bytes[i]) & 255] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

// The table of contents: { name, method, packed, size, crc, at } of each member.
function contents(bytes, name) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const damaged = () => refuse(`${name} is a zip file whose table of contents is damaged or cut off. Copy the file again.`);
  let end = bytes.length - 22;
  while (end >= 0 && end > bytes.length - 22 - 65536 && view.getUint32(end, true) !== 0x06054b50) end--;
  if (end < 0 || view.getUint32(end, true) !== 0x06054b50) damaged();
  const count = view.getUint16(end + 10, true);
  const size = view.getUint32(end + 12, true);
  let at = view.getUint32(end + 16, true);
  const large = () => refuse(`${name} is a zip file in the format for more than 4 GB (ZIP64), which this page does not read. Save two .npy files.`);
  if (count === 0xffff || at === 0xffffffff) large();
  if (count > MOST_MEMBERS) refuse(`${name} holds ${whole(count)} files; a pair of embeddings needs two, and this page looks at ${MOST_MEMBERS} at most.`);
  if (at + size > end) damaged();
  const members = [];
  for (let i = 0; i < count; i++) {
    if (at + 46 > end || view.getUint32(at, true) !== 0x02014b50) damaged();
    const flags = view.getUint16(at + 8, true);
    const [nameLength, extra, comment] = [28, 30, 32].map((offset) => view.getUint16(at + offset, true));
    if (at + 46 + nameLength > end) damaged();
    const member = {
      name: new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + nameLength)),
      method: view.getUint16(at + 10, true),
      crc: view.getUint32(at + 16, true),
      packed: view.getUint32(at + 20, true),
      size: view.getUint32(at + 24, true),
      at: view.getUint32(at + 42, true),
    };
    if (flags & 1) refuse(`${name} is encrypted. Save it without a password.`);
    if (member.packed === 0xffffffff || member.size === 0xffffffff || member.at === 0xffffffff) large();
    members.push(member);
    at += 46 + nameLength + extra + comment;
  }
  return members;
}

async function unpacked(bytes, member, name) {
  const damaged = () => refuse(`${name}: its member ${member.name} is damaged. Copy the file again.`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (member.at + 30 > bytes.length || view.getUint32(member.at, true) !== 0x04034b50) damaged();
  const start = member.at + 30 + view.getUint16(member.at + 26, true) + view.getUint16(member.at + 28, true);
  if (start + member.packed > bytes.length) damaged();
  const packed = bytes.subarray(start, start + member.packed);
  if (member.method === STORED && member.packed !== member.size) damaged();
  if (![STORED, DEFLATED].includes(member.method)) refuse(`${name} is compressed in a way that numpy does not use (zip method ${member.method}).`);
  const unfolded = member.method === STORED ? packed.slice() : await inflated(packed, member, name, damaged);
  if (crc32(unfolded) !== member.crc) damaged();
  return unfolded;
}

async function inflated(packed, member, name, damaged) {
  if (typeof DecompressionStream === "undefined") refuse(`${name} is compressed, which this browser cannot undo. Save it with numpy.savez, not savez_compressed.`);
  const result = new Uint8Array(member.size);
  const reader = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate-raw")).getReader();
  let at = 0;
  for (;;) {
    const { done, value } = await reader.read().catch(damaged);
    if (done) break;
    if (at + value.length > member.size) {
      reader.cancel().catch(() => {});
      refuse(`${name}: its member ${member.name} unfolds to more than the ${whole(member.size)} bytes that it says. The file is damaged, or made to do harm.`);
    }
    result.set(value, at);
    at += value.length;
  }
  if (at !== member.size) damaged();
  return result;
}

// The .npy members, by name without the ending, as bytes.
async function readNpz(bytes, name) {
  const members = contents(bytes, name);
  if (members.some((one) => /(^|\/)data\.pkl$/.test(one.name))) refuse(torchInWords(name));
  const arrays = members.filter((one) => one.name.endsWith(".npy"));
  if (!arrays.length) refuse(`${name} is a zip file without a .npy file in it.`);
  const total = arrays.reduce((sum, one) => sum + one.size, 0);
  if (total > LARGEST) refuse(`${name} would unfold to ${bytesInWords(total)}; this page reads up to ${bytesInWords(LARGEST)}. In the shell, mindgap report has no such limit.`);
  const found = [];
  for (const member of arrays) found.push({ key: member.name.slice(0, -4), bytes: await unpacked(bytes, member, name) });
  return found;
}
