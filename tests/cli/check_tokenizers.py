"""Holds our tokenizers against Hugging Face's. usage: check_tokenizers.py TOKENIZE [FOLDER OF TEXTS]
TOKENIZE is the program of tests/tokenize.c. Without a folder only texts are tried that are made here."""
import glob
import itertools
import json
import random
import subprocess
import sys
import unicodedata

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

program = sys.argv[1]
failures = 0


def run(arguments, texts=()):
    packed = b"".join(b"%d\n%s" % (len(t), t) for t in (text.encode() for text in texts))
    done = subprocess.run([program, *map(str, arguments)], input=packed, capture_output=True)
    assert done.returncode == 0, (arguments, done.stderr.decode())
    return done.stdout


def encode(path, texts, capacity=1 << 20, special=True):
    lines = run(["encode", path, capacity, int(special)], texts).decode().split("\n")[:-1]
    return [[int(i) for i in line.split()] for line in lines]


def decode_ours(path, ids, special):
    packed, texts = run(["decode", path, int(special)], [" ".join(map(str, each)) for each in ids]), []
    at = 0
    while at < len(packed):
        start = packed.index(b"\n", at) + 1
        at = start + int(packed[at:start])
        texts.append(packed[start:at].decode())
    return texts


def differ(what, text, ours, theirs):
    global failures
    failures += 1
    print(f"FAILED: {what}: {text[:200]!r}\n  ours   {ours[:60]}\n  theirs {theirs[:60]}")


def same(what, path, texts, capacity=1 << 20, decode=True, also_plain=True):
    """Ids, and texts made of ids, are the same from the file by us and by them."""
    theirs = Tokenizer.from_file(path)
    if capacity < 1 << 20:
        theirs.enable_truncation(capacity)
    wrong = 0
    for special in (True, False)[:1 + also_plain]:
        expected = [e.ids for e in theirs.encode_batch(texts, add_special_tokens=special)]
        ours = encode(path, texts, capacity, special)
        assert len(ours) == len(texts)
        for text, mine, other in zip(texts, ours, expected):
            if mine != other:
                wrong += 1
                if wrong < 4:
                    differ(what, text, mine, other)
        if decode:
            back = theirs.decode_batch(expected, skip_special_tokens=special)
            for ids, ours_back, theirs_back in zip(expected, decode_ours(path, expected, not special), back, strict=True):
                if ours_back != theirs_back and (wrong := wrong + 1) < 4:
                    differ(what + ", decoded", theirs_back, ours_back, ids)
    print(f"{what}: {len(texts)} texts, {wrong} differ")


# ---- what is trained ----

SPECIAL = {"wordpiece": ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], "bytes": ["<pad>", "<unk>", "<s>", "</s>", "<mask>"]}


def train_ours(model, texts, path, size=8000, lowercase=True, frequency=2, alphabet=1000, space=True):
    run(["train", model, size, int(lowercase), frequency, alphabet, int(space), path], texts)


def train_theirs(model, texts, path, size=8000, lowercase=True, frequency=2, alphabet=1000, space=True):
    names = SPECIAL[model]
    if model == "wordpiece":
        t = Tokenizer(models.WordPiece(unk_token="[UNK]"))
        t.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
        t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        t.decoder = decoders.WordPiece()
        trainer = trainers.WordPieceTrainer(vocab_size=size, min_frequency=frequency, special_tokens=names,
                                            show_progress=False, **({"limit_alphabet": alphabet} if alphabet else {}))
    else:
        t = Tokenizer(models.BPE())
        t.normalizer = normalizers.Lowercase() if lowercase else None
        t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=space)
        t.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(vocab_size=size, min_frequency=frequency, special_tokens=names, show_progress=False,
                                      initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    t.train_from_iterator(texts, trainer)
    if model == "wordpiece":
        t.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1",
                                                         special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    else:
        t.post_processor = processors.RobertaProcessing(("</s>", 3), ("<s>", 2), add_prefix_space=space)
    t.save(path)


def vocabulary(path):
    with open(path, encoding="utf-8") as f:
        return json.load(f)["model"]


def check_trained(model, learn_from, texts, **options):
    what = f"{model} {options}"
    train_ours(model, learn_from, "ours.json", **options)
    train_theirs(model, learn_from, "theirs.json", **options)
    same(what + ", trained by us", "ours.json", texts, also_plain=False)
    same(what + ", trained by them", "theirs.json", texts, also_plain=False)
    ours, theirs = vocabulary("ours.json"), vocabulary("theirs.json")
    common = len(ours["vocab"].keys() & theirs["vocab"].keys())
    print(f"  vocabularies of {len(ours['vocab'])} and {len(theirs['vocab'])}, {common} in both")
    if model == "bytes":  # theirs is determined by the texts
        assert ours["vocab"] == theirs["vocab"] and ours["merges"] == theirs["merges"], "another vocabulary was learned"
    else:  # theirs depends on the order of a hash table, in ties
        assert common > 0.98 * max(len(theirs["vocab"]), len(ours["vocab"])), "another vocabulary was learned"


# ---- texts ----

ODD = [
    "", " ", "  ", "\n", "a", "A b", " leading", "trailing ", "two  spaces", "tab\tand\nline\r\nend",
    "don't we'll I'm it's he'd you've they're", "DON'T 'S 's ' s", "''''", "x'", "'re're'r",
    "1234567890 12.5% $3.40 1st 2nd", "naïve café crème brûlée Ångström", "ÀÉÎÕÜ ẞ ß ſ ŉ ǰ İ ı",
    "e\u0301 a\u030a\u0323 \u0301start", "\u1100\u1161\u11a8 \uac01 \ud55c\uad6d\uc5b4", "日本語のテキスト 中文字符 漢字カナ ｶﾅ",
    "привет мир ЁЖ", "Ελληνικά ΣΊΣΥΦΟΣ ὈΔΥΣΣΕΎΣ", "עברית עִם נִקּוּד", "العربية مُشَكَّلَة", "हिन्दी में", "ไทย ภาษา",
    "emoji 👍🏽 👨‍👩‍👧 🇩🇪 ❤️", "\u200b\u200c\u200d\u2060\ufeff",
    "a\u00a0b\u2003c\u3000d\u2028e\u2029f\u0085g\u000bh\u000ci", "nul\0inside", "\0", "\x01\x02\x1f\x7f\x80\x9f",
    "\ufffd \ufffe \uffff", "\ue000\uf8ff\U000f0000", "soft\u00adhyphen", "“quotes” ‘single’ – — … « »",
    "^~`$+<=>|\\/@#&*()[]{}_-", "½ ² Ⅷ ① ㊀ ⓐ ٣ ३", "ﬁ ﬂ ﬀ ㎏ ㍿ ﷺ", "\U00020000\U0002a6df\U0002b820\U0002ceaf\U0002f800",
    "\u4dbf\u4dc0\u9fff\ua000\uf900\ufaff", "a" * 100, "a" * 101, "é" * 100, "é" * 101, "e\u0301" * 60, "日" * 150,
    "[PAD] [UNK] [CLS] [SEP] [MASK] [mask] <pad><unk> <s> </s> <mask>", "x[MASK]y <mask> z  <mask>",
    "<unk> , the <unk> .", "[CLS", "##ing ##", "Ġthe Ċ", "\u1734\u166d\U000111c9\u180e\u08e2",
    "https://example.com/a?b=c&d=%20#e", "C:\\path\\file.txt", "snake_case camelCase x_1", "a.b.c...d", "!?!?",
    "   \t\n  x  \n\n  y\n", "\n\nword", "word\n\n\nword", " \n word", "\u3000 \u3000x",
    "\u0344\u0958\ufb1d\u2adc\u1e9b\u0323", "q\u0307\u0323 q\u0323\u0307", "\u0315\u0300\u05ae\u0062",
    "a" + "\u0301\u0323\u0327" * 40, "dž Dž DŽ ǆ ǅ Ǆ", "\u2126\u212a\u212b", "\u0130\u0130i\u0307",
]


def random_texts(count):
    draw = random.Random(1)
    pools = [(0x20, 0x7e), (0xa0, 0x24f), (0x300, 0x36f), (0x370, 0x52f), (0x590, 0x6ff), (0x900, 0xdff),
             (0xe00, 0x11ff), (0x1e00, 0x27ff),
             (0x2e00, 0x33ff), (0x4e00, 0x4eff), (0xac00, 0xacff), (0xf900, 0xffef), (0x1f300, 0x1f6ff), (0x0, 0x20)]
    texts = []
    for _ in range(count):
        text = ""
        for _ in range(draw.randrange(12)):
            low, high = draw.choice(pools)
            text += "".join(chr(draw.randint(low, high)) for _ in range(draw.randrange(6)))
            text += draw.choice(["", "", " ", "  ", "\n", "'s ", "."])
        texts.append(text)
    return texts


def real_texts(folder):
    lines = []
    for path in sorted(glob.glob(folder + "/*.tsv") + glob.glob(folder + "/corpus_*.txt")):
        with open(path, encoding="utf-8", newline="\n") as f:
            lines += f.read().split("\n")
    assert lines, f"no texts in {folder}"
    return lines


# ---- files of other make ----

def variants():
    """(name, normalizer, pre-tokenizer, is it bytes)"""
    n, p = normalizers, pre_tokenizers
    both = (True, False)
    for chosen in itertools.product(both, both, (None, True, False), both):
        yield "bert " + " ".join(map(str, chosen)), n.BertNormalizer(*chosen), p.BertPreTokenizer(), False
    normal = [None, n.Lowercase(), n.NFC(), n.NFD(), n.NFKC(), n.NFKD(),
              n.Sequence([n.NFD(), n.StripAccents(), n.Lowercase(), n.NFC()]),
              n.Sequence([n.NFKC(), n.Sequence([n.Lowercase(), n.BertNormalizer()])])]
    for i, normalizer in enumerate(normal):
        yield f"normalizer {i}, Whitespace", normalizer, p.Whitespace(), False
        yield f"normalizer {i}, ByteLevel", normalizer, p.ByteLevel(add_prefix_space=i % 2 == 0), True
    yield "WhitespaceSplit", None, p.WhitespaceSplit(), False
    yield "no pre-tokenizer", n.Lowercase(), None, False
    yield "Whitespace, Bert", None, p.Sequence([p.Whitespace(), p.BertPreTokenizer()]), False
    yield "WhitespaceSplit, ByteLevel", None, p.Sequence([p.WhitespaceSplit(), p.ByteLevel(add_prefix_space=True)]), True
    yield "ByteLevel without its pattern", None, p.ByteLevel(add_prefix_space=True, use_regex=False), True
    plain = p.ByteLevel(add_prefix_space=False, use_regex=False)
    yield "Bert, ByteLevel without its pattern", None, p.Sequence([p.BertPreTokenizer(), plain]), True


ADDED = [
    AddedToken("café"), AddedToken("the", single_word=True), AddedToken("<b>", lstrip=True),
    AddedToken("<e>", rstrip=True), AddedToken("<be>", lstrip=True, rstrip=True), AddedToken("ÉCOLE", normalized=True),
    AddedToken("École", normalized=False), AddedToken("<b><e>"), AddedToken("日", special=True), AddedToken(" x "),
    AddedToken("  ", normalized=False),
]
WITH_ADDED = [
    "Café CAFÉ café cafe caféx", "the other breathe the,the the_ the1 _the", "x  <b>  y <b>z", "x <e>   y",
    "x <be>  <b> <e> <be>y", "École ÉCOLE école ecole", "<b><e><b> <e>", "日本 日", " x  x x ", "a  b   c    d",
    "<e>   <b>", "<e> the   <be>", "", "the",
]


def check_variant(name, normalizer, pre_tokenizer, is_bytes, learn_from, texts):
    model = "bytes" if is_bytes else "wordpiece"
    t = Tokenizer(models.BPE(unk_token="<unk>") if is_bytes else models.WordPiece(unk_token="[UNK]"))
    if normalizer is not None:
        t.normalizer = normalizer
    if pre_tokenizer is not None:
        t.pre_tokenizer = pre_tokenizer
    if is_bytes:
        # not every byte is known
        trainer = trainers.BpeTrainer(vocab_size=700, special_tokens=SPECIAL[model], show_progress=False)
        t.post_processor = processors.Sequence([processors.ByteLevel(), processors.TemplateProcessing(
            single="<s> <s> $A </s>", special_tokens=[("<s>", 2), ("</s>", 3)])])
    else:
        trainer = trainers.WordPieceTrainer(vocab_size=900, special_tokens=SPECIAL[model], show_progress=False)
    t.train_from_iterator(learn_from, trainer)
    t.save("plain.json")
    same(name, "plain.json", texts)
    t.add_tokens(ADDED)
    t.add_special_tokens([AddedToken("<sp>", lstrip=True, normalized=True)])
    t.save("added.json")
    # of an added token that is normalized theirs gives the normalized text back, ours the token's own
    same(name + ", added tokens", "added.json", WITH_ADDED + texts[:400], decode=normalizer is None)
    same(name + ", cut", "added.json", WITH_ADDED + texts[:400], capacity=6, decode=False)
    run(["save", "added.json", "again.json"])
    with open("added.json", "rb") as one, open("again.json", "rb") as other:
        assert one.read() == other.read()


# ---- every character ----

def check_characters():
    """Each character of Unicode 14 between others. What later versions added utf8proc may not know."""
    known = [c for c in range(0x110000) if not 0xd800 <= c < 0xe000 and unicodedata.category(chr(c)) != "Cn"]
    words = {"[UNK]": 0}
    for c in range(1, 0x110000):
        if not 0xd800 <= c < 0xe000:
            words.setdefault(chr(c), len(words))
            words.setdefault("##" + chr(c), len(words))
    chosen = ("bert True True None True", "bert False False True False", "normalizer 1, Whitespace",
              "normalizer 4, Whitespace", "normalizer 6, Whitespace")
    for name, normalizer, pre_tokenizer, _ in variants():
        if name not in chosen:
            continue
        t = Tokenizer(models.WordPiece({"[UNK]": 0}, unk_token="[UNK]"))
        if normalizer is not None:
            t.normalizer = normalizer
        if pre_tokenizer is not None:
            t.pre_tokenizer = pre_tokenizer
        spec = json.loads(t.to_str())
        spec["model"]["vocab"] = words
        with open("characters.json", "w", encoding="utf-8") as f:
            json.dump(spec, f, ensure_ascii=False)
        texts = ["a" + "a".join(map(chr, known[i:i + 8])) + "a" for i in range(0, len(known), 8)]
        same(name + ", every character", "characters.json", texts, decode=False, also_plain=False)


def check_byte_characters():
    """The same for GPT-2's pattern. Merges of what is before or behind a character with its first or last byte tell
    whether it was cut off there."""
    visible = [*range(0x21, 0x7f), *range(0xa1, 0xad), *range(0xae, 0x100)]
    others = [b for b in range(256) if b not in visible]
    character = {b: chr(b) for b in visible} | {b: chr(256 + i) for i, b in enumerate(others)}
    first, last = [character[b] for b in range(0xc2, 0xf5)], [character[b] for b in range(0x80, 0xc0)]
    merges = [("a", c) for c in first] + [(".", c) for c in first] + [(c, "7") for c in last]
    tokens = sorted(character.values()) + [x + y for x, y in merges]
    t = Tokenizer(models.BPE({token: i for i, token in enumerate(tokens)}, merges))
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    t.save("characters.json")
    known = [c for c in range(1, 0x110000) if not 0xd800 <= c < 0xe000 and unicodedata.category(chr(c)) != "Cn"]
    texts = [f"a{chr(c)}7.{chr(c)}" for c in known]
    texts = [" ".join(texts[i:i + 4]) for i in range(0, len(texts), 4)]
    same("ByteLevel, every character", "characters.json", texts, decode=False, also_plain=False)


draws = random_texts(3000)
odd = ODD + draws
if len(sys.argv) > 2:
    lines = real_texts(sys.argv[2])
    different = list(dict.fromkeys(lines))
    for options in ({}, {"lowercase": False, "size": 3000, "alphabet": 0, "frequency": 0}):
        check_trained("wordpiece", lines, different + odd, **options)
    for options in ({"lowercase": False}, {"lowercase": True, "space": False, "size": 3000, "frequency": 5}):
        check_trained("bytes", lines, different + odd, **options)
check_trained("wordpiece", odd, odd, size=16000, alphabet=0)
check_trained("bytes", odd, odd, size=3000)
for variant in variants():  # a token with a NUL in it is refused
    check_variant(*variant, [t for t in ODD * 3 + draws[:500] if "\0" not in t], ODD + draws[:700])
check_characters()
check_byte_characters()
sys.exit(1 if failures else 0)
