"""Writes BERT's and GPT-2's tokenizers from their rules: tokenizers.json, tokenizer-vocab.txt, tokenizer-bpe-vocab.json, -merges.txt.

The rules of BERT are those of Google's tokenization.py (https://github.com/google-research/bert), and of Hugging Face's BertTokenizer
where it has more options; those of byte-level BPE are those of GPT-2's encoder.py (https://github.com/openai/gpt-2). Both are written
here again, character by character with the source of each, with Python's unicodedata alone. Offsets are in UTF-16 units of the text: an
accent that is stripped belongs to the character before it, marks that canonical ordering moves share one range, and the space before a
word of BPE is not in its range.

Random texts are drawn by a linear congruential generator, which the test repeats in C#, from alphabets that are listed in the fixture:
only characters that are assigned in this Python's Unicode version. Of each 1,000 texts the fixture has a hash of all pieces with their
offsets.

    /usr/bin/python3 tools/reference/bert_tokenizer_oracle.py [FOLDER]

FOLDER is the shared data with data/text and weights/all-MiniLM-L6-v2; without it the fixture of the real texts is kept as it is.
"""
import hashlib
import json
import os
import sys
import unicodedata

from fixture import FOLDER, write

TEXTS = 100_000
BLOCK = 1_000


def width(c):
    return 2 if ord(c) > 0xFFFF else 1


def with_sources(text):
    """(character, start, end) in UTF-16 units."""
    at, out = 0, []
    for c in text:
        out.append((c, at, at + width(c)))
        at += width(c)
    return out


def is_space(c):
    return c in " \t\n\r" or unicodedata.category(c) == "Zs"


def is_control(c):
    return c not in "\t\n\r" and unicodedata.category(c).startswith("C")


def is_ideograph(c):
    ranges = ((0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F), (0x2B740, 0x2B81F), (0x2B820, 0x2CEAF),
              (0xF900, 0xFAFF), (0x2F800, 0x2FA1F))
    return any(first <= ord(c) <= last for first, last in ranges)


def is_punctuation(c):
    return 33 <= ord(c) <= 47 or 58 <= ord(c) <= 64 or 91 <= ord(c) <= 96 or 123 <= ord(c) <= 126 or unicodedata.category(c).startswith("P")


def split(items, is_between):
    words, word = [], []
    for item in items:
        if is_between(item[0]):
            words.append(word)
            word = []
        else:
            word.append(item)
    return [word for word in words + [word] if word]


def lower(word):
    """str.lower of the word as a whole, so that final sigma is Python's own; only one character becomes two."""
    lowered, out, at = "".join(c for c, _, _ in word).lower(), [], 0
    for c, start, end in word:
        count = len(c.lower())
        out += [(x, start, end) for x in lowered[at:at + count]]
        at += count
    assert at == len(lowered)
    return out


def strip_accents(word):
    """NFD without nonspacing marks; canonical ordering as in section 3.11 of the Unicode standard, mark by mark for the sources."""
    out, ordered_from = [], 0
    for c, start, end in word:
        parts = unicodedata.normalize("NFD", c)
        kept = [x for x in parts if unicodedata.category(x) != "Mn"]
        if not kept and out:  # the accent belongs to the character before it
            out = [(x, s, end if e == out[-1][2] and all(y[2] == e for y in out[i:]) else e) for i, (x, s, e) in enumerate(out)]
        for x in parts:
            order = unicodedata.combining(x)
            if x not in kept:
                ordered_from = ordered_from if order else len(out)
                continue
            to = len(out)
            while order and to > ordered_from and unicodedata.combining(out[to - 1][0]) > order:
                to -= 1
            out.insert(to, (x, start, end))
            if to + 1 < len(out):
                out[to:] = [(y, out[to + 1][1], end) for y, _, _ in out[to:]]
            ordered_from = ordered_from if order else len(out)
    text = "".join(c for c, _, _ in word)
    assert "".join(x[0] for x in out) == "".join(c for c in unicodedata.normalize("NFD", text) if unicodedata.category(c) != "Mn")
    return out


class Bert:
    def __init__(self, tokens, lower_case=True, accents=None, ideographs=True, longest=100):
        self.ids = {token: i for i, token in enumerate(tokens)}
        self.lower_case, self.ideographs, self.longest = lower_case, ideographs, longest
        self.accents = lower_case if accents is None else accents
        self.longest_piece = max(len(token) for token in tokens)

    def words(self, text):
        items = [(" " if is_space(c) else c, start, end) for c, start, end in with_sources(text)
                 if ord(c) not in (0, 0xFFFD) and not is_control(c)]
        if self.ideographs:
            items = [x for item in items
                     for x in ([(" ", -1, -1), item, (" ", -1, -1)] if is_ideograph(item[0]) else [item])]
        for word in split(items, str.isspace):
            if self.lower_case:
                word = lower(word)
            if self.accents:
                word = strip_accents(word)
            part = []
            for item in word:
                if is_punctuation(item[0]):
                    if part:
                        yield part
                    yield [item]
                    part = []
                else:
                    part.append(item)
            if part:
                yield part

    def encode(self, text):
        pieces = []
        for word in self.words(text):
            unknown = [(self.ids["[UNK]"], min(x[1] for x in word), max(x[2] for x in word))]
            if len(word) > self.longest:
                pieces += unknown
                continue
            letters, found, start = "".join(c for c, _, _ in word), [], 0
            while start < len(word):
                for end in range(min(len(word), start + self.longest_piece), start, -1):
                    token = ("##" if start else "") + letters[start:end]
                    if token in self.ids:
                        found.append((self.ids[token], word[start][1], word[end - 1][2]))
                        start = end
                        break
                else:
                    found = unknown
                    break
            pieces += found
        return pieces


def byte_alphabet():
    printable = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    letters = {value: chr(value) for value in printable}
    for value in range(256):
        letters.setdefault(value, chr(256 + sum(1 for x in range(value) if x not in printable)))
    return letters


def bpe_words(items):
    """GPT-2's pattern by hand: 's|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"""
    def kind(c):
        category = unicodedata.category(c)
        # White_Space is str.isspace without the four information separators.
        return "S" if c.isspace() and c not in "\x1c\x1d\x1e\x1f" else category[0] if category[0] in "LN" else "O"

    text, at = "".join(c for c, _, _ in items), 0
    while at < len(text):
        end = next((at + len(s) for s in ("'s", "'t", "'re", "'ve", "'m", "'ll", "'d") if text.startswith(s, at)), None)
        if end is None:
            first = at + 1 if text[at] == " " else at
            if first < len(text) and kind(text[first]) != "S":
                end = first
                while end < len(text) and kind(text[end]) == kind(text[first]):
                    end += 1
            else:
                end = at
                while end < len(text) and kind(text[end]) == "S":
                    end += 1
                if end < len(text) and end - at > 1:
                    end -= 1
        yield items[at:end]
        at = end


class BytePairs:
    def __init__(self, ids, merges, prefix=False):
        self.ids, self.prefix = ids, prefix
        self.ranks = {tuple(merge.split(" ")): i for i, merge in enumerate(merges)}
        self.letters = byte_alphabet()
        self.seen = {}

    def merge(self, word):
        if word in self.seen:
            return self.seen[word]
        parts = list(word)
        while len(parts) > 1:
            best = min(zip(parts, parts[1:]), key=lambda pair: self.ranks.get(pair, 1 << 60))
            if best not in self.ranks:
                break
            joined, i = [], 0
            while i < len(parts):
                if i + 1 < len(parts) and (parts[i], parts[i + 1]) == best:
                    joined.append(parts[i] + parts[i + 1])
                    i += 2
                else:
                    joined.append(parts[i])
                    i += 1
            parts = joined
        self.seen[word] = parts
        return parts

    def encode(self, text):
        items, pieces = with_sources(text), []
        if self.prefix and text and not (text[0].isspace() and text[0] not in "\x1c\x1d\x1e\x1f"):
            items = [(" ", 0, 0)] + items
        for word in bpe_words(items):
            data = [(self.letters[b], c, start, end) for c, start, end in word for b in c.encode("utf-8")]
            at = 0
            for token in self.merge("".join(x[0] for x in data)):
                part = data[at:at + len(token)]
                at += len(token)
                if len(part) > 1 and part[0][1] == " ":
                    part = part[1:]
                pieces.append((self.ids[token], part[0][2], part[-1][3]))
        return pieces


class Random:
    """Knuth's MMIX generator; the upper 31 bits are used."""
    def __init__(self, seed):
        self.state = seed

    def below(self, bound):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % (1 << 64)
        return (self.state >> 33) * bound >> 31


def assigned(first, last, among=lambda c: True):
    ranges = []
    for code in range(first, last + 1):
        if 0xD800 <= code <= 0xDFFF or unicodedata.category(chr(code)) == "Cn" or not among(chr(code)):
            continue
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return ranges


ALPHABETS = [
    ("ascii", [[0x20, 0x7E]]),
    ("letters", [[0x61, 0x7A], [0x41, 0x5A], [0x61, 0x7A]]),
    ("latin", assigned(0xA0, 0x24F) + assigned(0x1E00, 0x1EFF)),
    ("marks", [[0x61, 0x7A]] + assigned(0x300, 0x36F) + assigned(0x1AB0, 0x1AFF)),
    ("greek", [[0x3A3, 0x3A3]] * 12 + assigned(0x370, 0x3FF) + assigned(0x1F00, 0x1FFF) + [[0x27, 0x27], [0x2E, 0x2E], [0xAD, 0xAD]]),
    ("cyrillic", assigned(0x400, 0x52F)),
    ("hebrew and arabic", assigned(0x590, 0x6FF)),
    ("indic and thai", assigned(0x900, 0xE7F) + assigned(0x1B00, 0x1BFF)),
    ("hangul", [[0xAC00, 0xD7A3]] + assigned(0x1100, 0x11FF)),
    ("ideographs", [[0x4E00, 0x4FFF], [0x3400, 0x34FF], [0x20000, 0x200FF]] + assigned(0x3000, 0x30FF) + assigned(0xF900, 0xFAFF)
     + assigned(0x2F800, 0x2FA1F)),
    ("spaces and controls", [[0, 0x20], [0x7F, 0xA0], [0xAD, 0xAD]] + assigned(0x2000, 0x206F)
     + [[0x3000, 0x3000], [0xFEFF, 0xFEFF], [0xFFF9, 0xFFFD]]),
    ("symbols", assigned(0x2010, 0x2BFF)),
    ("emoji", assigned(0x1F300, 0x1FAFF) + [[0x200D, 0x200D], [0xFE0F, 0xFE0F], [0x1F3FB, 0x1F3FF], [0x1F1E6, 0x1F1FF]]),
    ("music", [[0x1D150, 0x1D190], [0x1D15E, 0x1D172], [0x302A, 0x302F], [0x300, 0x304], [0x61, 0x63], [0x16FF0, 0x16FF1], [0x94D, 0x94D]]),
    ("other planes", assigned(0x10400, 0x1044F) + assigned(0x1E900, 0x1E95F) + assigned(0x1D400, 0x1D7FF) + assigned(0x11000, 0x1135F)
     + [[0xE000, 0xE0FF], [0xF0000, 0xF00FF], [0xE0100, 0xE01EF]]),
    ("everything", assigned(0, 0x10FFFF, lambda c: unicodedata.category(c) != "Co")),
]


class Texts:
    """Random texts: one to three alphabets a text, with spaces, and words of the vocabulary."""
    def __init__(self, seed, words):
        self.random, self.words = Random(seed), words
        self.sizes = [sum(last - first + 1 for first, last in ranges) for _, ranges in ALPHABETS]

    def character(self, alphabet):
        at = self.random.below(self.sizes[alphabet])
        for first, last in ALPHABETS[alphabet][1]:
            if at <= last - first:
                return chr(first + at)
            at -= last - first + 1

    def next(self):
        alphabets = [self.random.below(len(ALPHABETS)) for _ in range(1 + self.random.below(3))]
        parts = []
        for _ in range(self.random.below(33)):
            what = self.random.below(16)
            parts.append(" " if what < 2 else self.words[self.random.below(len(self.words))] if what < 6
                         else self.character(alphabets[self.random.below(len(alphabets))]))
        return "".join(parts)


def hash_of(pieces):
    """Of lines of "id start end"; an empty line after each text."""
    digest = hashlib.sha256()
    for text in pieces:
        digest.update("".join(f"{i} {start} {end}\n" for i, start, end in text).encode() + b"\n")
    return digest.hexdigest()[:16]


NASTY = [
    "",
    " ",
    "\t\r\n",
    "\u00a0\u2003\u3000",
    "note\nbook",
    "note\u2028book\u2029end",
    "$ + < = > ^ | ~ ` _",
    "5\u00b0 \u20ac20 \u00d72",
    "snake_case __init__",
    "soft\u00adhyphen zero\u200bwidth \u200djoiner\ufeff",
    "a\u0000b\ufffdc\u0001d\u007fe\u0085f",
    "\ue000private\U000f0000 \U000e0001tag",
    "Caf\u00e9 cafe\u0301 CAFE\u0301S",
    "\u0301\u0302 a\u0301\u0302\u0303",
    "\u0130stanbul I\u0307 \u0131",
    "\u039f\u0394\u03a5\u03a3\u03a3\u0395\u03a5\u03a3 \u03a3 \u0391\u03a3. \u0391\u03a3' \u0391\u03a3'\u0391",
    "\u0391\u03a3\u200b\u0391 \u0391\u00ad\u03a3 \u0391\u03a3-\u0391 \u0391\u03a3\u4e2d\u0391",
    "\u1e9e stra\u00dfe STRASSE",
    "\ufb01ne \ufb00",
    "\u4e2d\u6587abc\u5b57",
    "\u3400\U00020000\U0002a6d6\uf900\U0002f800",
    "\u3072\u3089\u304c\u306a\u30ab\u30bf\u30ab\u30ca \u304c",
    "\ud55c\uad6d\uc5b4 \uac01",
    "\U0001f600\U0001f468\u200d\U0001f469\u200d\U0001f467 ok\U0001f44d\U0001f3fd",
    "\U00010400\U00010428 \U0001e900",
    "\U0001d400\U0001d7ff",
    "\U0001d15e\U0001d165\U0001d16e\U0001d165\u0301\U0001d16d\U0001d165",
    "\u2260 \u226e =\u0338 \u1fef \u037e \u0387",
    "[CLS] [SEP] [MASK] [UNK] [PAD]",
    "<s> </s> <mask>",
    "a" * 100,
    "a" * 101,
    "\u00e9" * 100 + " " + "\u00e9" * 101,
    "\U0001d400" * 100 + " " + "\U0001d400" * 101,
    "\u00bfqu\u00e9? \u201cyes\u201d\u2014no\u2026 \u300c\u3042\u300d",
    "\u0ba8\u0bbf \u0939\u093f\u0928\u094d\u0926\u0940 \u0e44\u0e17\u0e22 \u05e9\u05b8\u05dc\u05d5\u05b9\u05dd \u0645\u064e\u0631\u062d",
]
assert len(NASTY) == 36

PROSE = """
The quick brown fox jumps over the lazy dog while forty two children play in the old garden behind the house. Tokenizers split a
text into words and the words into pieces so that a model can read them. Unknown words are not lost: they are spelled with smaller
pieces, and in the worst case with single letters. Don't you think it's fine? We've seen that they'll agree, I'm sure, and you're
right: he'd said so. A good test compares every piece, every offset and every number with another program that was written from
the rules alone. Fine tuning needs few examples, a small learning rate and patience. Learning to walk, learning to read, learning
to write: learners learn by learning. The network, the networks, the working networker and the workers worked. In 1984 there were
365 days, 12 months and 24 hours a day; in 2024 there were 366. Cafe, resume, naive and facade are written without accents here.
"""


def word_pieces():
    """A small vocabulary of every kind: words, parts of words, and single characters of the alphabets."""
    tokens = ["[PAD]"] + [f"[unused{i}]" for i in range(9)] + ["[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    words = []
    for word in PROSE.replace("'", " ").split():
        word = word.strip(".,:;?")
        for form in (word.lower(), word):
            if form not in words:
                words.append(form)
    singles = [chr(c) for c in range(33, 127)]
    singles += list("\u00a1\u00bf\u20ac\u00b0\u00d7\u00df\u00e9\u00c9\u00e0\u2026\u2014\u201c\u201d\u2019\u2028"[:-1])
    singles += [chr(c) for c in range(0x3B1, 0x3CA)] + [chr(c) for c in range(0x391, 0x3AA) if c != 0x3A2]
    singles += [chr(c) for c in range(0x430, 0x450)] + [chr(c) for c in range(0x1100, 0x1113)] + [chr(c) for c in range(0x1161, 0x1176)]
    singles += [chr(c) for c in range(0x11A8, 0x11C3)] + [chr(c) for c in range(0x5D0, 0x5EB)] + [chr(c) for c in range(0x627, 0x64B)]
    singles += [chr(c) for c in range(0x905, 0x940)] + [chr(c) for c in range(0xE01, 0xE2F)] + [chr(c) for c in range(0x3041, 0x3097)]
    singles += [chr(c) for c in range(0x4E00, 0x4E40)] + ["\u6587", "\u5b57", "\U00020000", "\uac00", "\ud55c", "\u302e", "\u302f"]
    singles += [chr(c) for c in range(0x1F600, 0x1F640)] + [chr(c) for c in range(0x1D157, 0x1D173)]
    singles += [chr(c) for c in range(0x10428, 0x10430)]
    singles += [chr(c) for c in range(0x1D400, 0x1D41A)] + ["\U00016ff0", "\U00016ff1", "\u0301", "\u0300", "\u0307"]
    singles = [c for c in singles if unicodedata.category(c) != "Cn"]
    parts = []
    for word in words:
        for length in (2, 3, 4):
            part = word[-length:]
            if len(word) > length + 1 and part not in parts:
                parts.append(part)
    pairs = ["\u03bf\u03c2", "\u03c3\u03b1", "\u1112\u1161", "\u11ab\u1100", "e\u0301", "\U0001d157\U0001d165"]
    for token in words + singles + pairs + ["##" + part for part in parts + singles + pairs]:
        if token not in tokens:
            tokens.append(token)
    return tokens


def byte_pairs(merge_count=400):
    """Trains byte-level BPE on the prose."""
    letters, counts = byte_alphabet(), {}
    text = PROSE.replace("\n", " ") + (
        " \u00e9t\u00e9 caf\u00e9 \u65e5\u672c\u8a9e \u65e5\u672c \U0001f600\U0001f600 \U0001f601 na\u00efve na\u00efve")
    for word in bpe_words(with_sources(text)):
        key = tuple(letters[b] for c, _, _ in word for b in c.encode("utf-8"))
        counts[key] = counts.get(key, 0) + 1
    merges = []
    while len(merges) < merge_count:
        pairs = {}
        for word, count in counts.items():
            for pair in zip(word, word[1:]):
                pairs[pair] = pairs.get(pair, 0) + count
        best = max(pairs, key=lambda pair: (pairs[pair], pair))
        if pairs[best] < 2:
            break
        merges.append(" ".join(best))
        merged = {}
        for word, count in counts.items():
            out, i = [], 0
            while i < len(word):
                if word[i:i + 2] == best:
                    out.append(word[i] + word[i + 1])
                    i += 2
                else:
                    out.append(word[i])
                    i += 1
            merged[tuple(out)] = merged.get(tuple(out), 0) + count
        counts = merged
    tokens = ["<s>", "<pad>", "</s>", "<unk>"] + [letters[b] for b in range(256)]
    tokens += [merge.replace(" ", "") for merge in merges if merge.replace(" ", "") not in tokens] + ["<mask>"]
    return {token: i for i, token in enumerate(dict.fromkeys(tokens))}, merges


FORMS = {
    "uncased": dict(lower_case=True), "cased": dict(lower_case=False), "lower case with accents": dict(lower_case=True, accents=False),
    "cased without accents": dict(lower_case=False, accents=True), "ideographs in words": dict(lower_case=True, ideographs=False),
}


def random_blocks(encode, seed, words, count):
    texts = Texts(seed, words)
    return [hash_of(encode(texts.next()) for _ in range(BLOCK)) for _ in range(count // BLOCK)]


def real(folder):
    """Counts and hashes over the shared texts with the real vocabulary."""
    with open(os.path.join(folder, "weights", "all-MiniLM-L6-v2", "vocab.txt"), encoding="utf-8", newline="\n") as file:
        tokens = file.read().split("\n")[:-1]
    data = os.path.join(folder, "data", "text")
    sources = {}
    for name in ("sst2/train.tsv", "sst2/test.tsv", "corefx-issues.tsv", "wikipedia-detox-250.tsv"):
        with open(os.path.join(data, name), encoding="utf-8", newline="\n") as file:
            sources[name] = [line.rstrip("\n") for line in file]
    out = []
    for name, lines in sources.items():
        for form in ("uncased", "cased"):
            bert = Bert(tokens, **FORMS[form])
            pieces = [bert.encode(line) for line in lines]
            out.append(dict(file=name, form=form, texts=len(lines), pieces=sum(map(len, pieces)), hash=hash_of(pieces)))
    return out


def main():
    tokens = word_pieces()
    with open(os.path.join(FOLDER, "tokenizer-vocab.txt"), "w", encoding="utf-8", newline="\n") as file:
        file.write("".join(token + "\n" for token in tokens))
    ids, merges = byte_pairs()
    with open(os.path.join(FOLDER, "tokenizer-bpe-vocab.json"), "w", encoding="utf-8", newline="\n") as file:
        json.dump(ids, file, ensure_ascii=True, separators=(",", ":"))
    with open(os.path.join(FOLDER, "tokenizer-bpe-merges.txt"), "w", encoding="utf-8", newline="\n") as file:
        file.write("#version: 0.2\n" + "".join(merge + "\n" for merge in merges))
    words = [token.replace("##", "") if len(token) > 2 else token for token in tokens[14:]]
    bpe, prefixed = BytePairs(ids, merges), BytePairs(ids, merges, prefix=True)
    path = os.path.join(FOLDER, "tokenizers.json")
    earlier = json.load(open(path, encoding="utf-8"))["real"] if os.path.exists(path) else []
    content = dict(
        unicode=unicodedata.unidata_version, texts=TEXTS, block=BLOCK, seed=18,
        alphabets=[dict(name=name, ranges=[x for pair in ranges for x in pair]) for name, ranges in ALPHABETS],
        first=hash_of([(ord(c), 0, 0) for c in text] for text in [Texts(18, words).next()]),
        random={form: random_blocks(Bert(tokens, **options).encode, 18, words, TEXTS if form in ("uncased", "cased") else TEXTS // 5)
                for form, options in FORMS.items()},
        nasty=[dict(text=text,
                    **{form: [x for piece in Bert(tokens, **FORMS[form]).encode(text) for x in piece] for form in ("uncased", "cased")},
                    bpe=[x for piece in bpe.encode(text) for x in piece]) for text in NASTY],
        bpe=random_blocks(bpe.encode, 19, words, TEXTS // 5), bpePrefixed=random_blocks(prefixed.encode, 19, words, TEXTS // 10),
        real=real(sys.argv[1]) if len(sys.argv) > 1 else earlier)
    write("tokenizers.json", content)


if __name__ == "__main__":
    main()
