// Token ids of a tokenizer of ModernBERT's form by Hugging Face's own tokenizers library: modernbert-tokenizer.json, for BytePairTokenizerTests.
//
//   npm install @anush008/tokenizers@0.6.0     (the library, in Rust, with a binding for Node)
//   node tools/reference/modernbert_tokenizer.mjs
//
// The form is that of the published tokenizer.json: NFC, GPT-2's words, no prefix space, and added tokens (runs of 2 to 24 spaces, placeholders
// and unused tokens in the normalized text, two special tokens in the text as it is). The vocabulary is the small one of the other fixtures.
// Random texts are those of RandomTexts, drawn from the alphabets in tokenizers.json and the words here; of each 1,000 the fixture has a hash.
// The library's tables of normalization are of Unicode 9: texts with newer marks, which it orders otherwise than Node, are left out by number.
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const { Tokenizer, nfcNormalizer } = createRequire(process.cwd() + "/")("@anush008/tokenizers");
const folder = fileURLToPath(new URL("../../tests/MlNetFineTune.Tests/Fixtures/", import.meta.url));
const read = name => readFileSync(folder + name, "utf8");

const spaces = Array.from({ length: 23 }, (_, i) => " ".repeat(24 - i));
const inText = ["<|padding|>", "<|endoftext|>"];
const inNormalized = ["|||IP_ADDRESS|||", ...spaces, "|||EMAIL_ADDRESS|||", "|||PHONE_NUMBER|||", "[unused0]", "[unused1]", "[unused10]"];
const roles = ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"];

function tokenizerJson() {
  const letters = Object.keys(JSON.parse(read("tokenizer-bpe-vocab.json"))).filter(token => !/^<.+>$/.test(token));
  const all = ["|||IP_ADDRESS|||", "<|padding|>", ...letters];
  const vocab = Object.fromEntries(all.map((token, id) => [token, id]));
  const added = [];
  for (const content of [...inNormalized.slice(0, 1), ...inText.slice(0, 1), ...inNormalized.slice(1), ...inText.slice(1), ...roles]) {
    if (!all.includes(content))
      all.push(content);
    added.push({
      id: all.indexOf(content), content, single_word: false, lstrip: content === "[MASK]", rstrip: false,
      normalized: inNormalized.includes(content), special: !inNormalized.includes(content),
    });
  }
  const special = id => ({ SpecialToken: { id, type_id: 0 } });
  const text = (id, type_id) => ({ Sequence: { id, type_id } });
  return {
    version: "1.0", truncation: null, padding: null, added_tokens: added.sort((a, b) => a.id - b.id), normalizer: { type: "NFC" },
    pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true },
    post_processor: {
      type: "TemplateProcessing", single: [special("[CLS]"), text("A", 0), special("[SEP]")],
      pair: [special("[CLS]"), text("A", 0), special("[SEP]"), text("B", 1), special("[SEP]")],
      special_tokens: Object.fromEntries(["[CLS]", "[SEP]"].map(token => [token, { id: token, ids: [all.indexOf(token)], tokens: [token] }])),
    },
    decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: "BPE", dropout: null, unk_token: null, continuing_subword_prefix: null, end_of_word_suffix: null, fuse_unk: false,
      byte_fallback: false, ignore_merges: false, vocab, merges: read("tokenizer-bpe-merges.txt").trimEnd().split("\n").slice(1),
    },
  };
}

// Added tokens and their parts, spaces, and characters that compose: the words of the random texts.
const words = [
  ...inNormalized.filter(token => token.trim()), ...inText, "[unused", "]", "||", "<|", "  ", "   ", " ".repeat(9), " ".repeat(26), "\n", "\t",
  "learning", " the", "'s", "e\u0301", "\u0301", "\u0323", "\u0307", ">\u0338", "\u0338", "a\u0328\u0301", "\u212b", "\uac00", "\u1112",
  "\u1161", "\u11ab", "\u0344", "\u0958", "\ufb1d", "\u2126", "\u0e33",
];

const nasty = [
  "", " ", "  ", "a  b", "a   b", " ".repeat(24), " ".repeat(25), " ".repeat(49) + "x", "x" + " ".repeat(30) + "y", "  x  ", "\n  x\n\n  y",
  "\t  x", "|||IP_ADDRESS|||", "a|||IP_ADDRESS|||b", " |||EMAIL_ADDRESS||| ", "||||IP_ADDRESS||||", "<|endoftext|><|padding|>", "<|endoftext|",
  "<|endoftext|>\u0338", "<|padding|>  \u0301", "[unused1]", "[unused10]", "[unused1]0", "[unused11]", "[unused0]\u0338[unused0]",
  "caf\u00e9 cafe\u0301", "e\u0323\u0301 e\u0301\u0323", "\u1112\u1161\u11ab \ud55c", "\uac00\u11a8", "\u212b\u2126", "\u0958", "  \u0301",
  "\ud834\udd5e \ud834\udd57\ud834\udd65", "\u0344\u0301", "\u0041\u030a\u0325", "We've  seen  that they'll   agree.", "\u3000\u3000 \u00a0",
];

// As RandomTexts.
class Texts {
  constructor(seed) {
    this.state = BigInt(seed);
    this.alphabets = JSON.parse(read("tokenizers.json")).alphabets.map(({ ranges }) => {
      const flat = ranges.flat();
      return Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i], flat[2 * i + 1]]);
    });
    this.sizes = this.alphabets.map(ranges => ranges.reduce((sum, [first, last]) => sum + last - first + 1, 0));
  }

  below(bound) {
    this.state = BigInt.asUintN(64, this.state * 6364136223846793005n + 1442695040888963407n);
    return Number((this.state >> 33n) * BigInt(bound) >> 31n);
  }

  character(alphabet) {
    let at = this.below(this.sizes[alphabet]);
    for (const [first, last] of this.alphabets[alphabet]) {
      if (at <= last - first)
        return String.fromCodePoint(first + at);
      at -= last - first + 1;
    }
  }

  next() {
    const chosen = Array.from({ length: 1 + this.below(3) }, () => 0).map(() => this.below(this.alphabets.length));
    let text = "";
    for (let left = this.below(33); left > 0; left--) {
      const what = this.below(16);
      text += what < 2 ? " " : what < 6 ? words[this.below(words.length)] : this.character(chosen[this.below(chosen.length)]);
    }
    return text;
  }
}

const json = tokenizerJson();
const tokenizer = Tokenizer.fromString(JSON.stringify(json));
const idsOf = async text => (await tokenizer.encode(text, null, { addSpecialTokens: false })).getIds();
const seed = 41, texts = new Texts(seed), blocks = [], leftOut = [];
const nfc = nfcNormalizer();
for (let block = 0; block < 20; block++) {
  const hash = createHash("sha256");
  for (let i = 0; i < 1000; i++) {
    const text = texts.next();
    if (nfc.normalizeString(text) !== text.normalize("NFC"))
      leftOut.push(block * 1000 + i);
    else
      hash.update((await idsOf(text)).map(id => `${id} 0 0\n`).join("") + "\n");
  }
  blocks.push(hash.digest("hex").slice(0, 16));
}
const ascii = value => JSON.stringify(value).replace(/[^\x20-\x7e]/g, unit => "\\u" + unit.charCodeAt(0).toString(16).padStart(4, "0"));
const cases = [];
for (const text of nasty)
  cases.push(`  ${ascii({ text, ids: await idsOf(text) })}`);
writeFileSync(folder + "modernbert-tokenizer.json",
  `{\n "seed": ${seed},\n "words": ${ascii(words)},\n "leftOut": ${ascii(leftOut)},\n "blocks": ${ascii(blocks)},\n "cases": [\n${cases.join(",\n")}\n ],\n`
  + ` "tokenizer": ${ascii(json)}\n}\n`);
