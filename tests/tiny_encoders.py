"""Tiny random encoder-decoder, NLI and encoder models of the real classes, with tokenizers of the real classes and files."""

from __future__ import annotations

import io
import json
from functools import cache
from pathlib import Path
from typing import Any

TEXT = (
    "The river council meets. Minister Ada Brandt demanded that the gates be shut. General Olm warned that shutting them "
    "would bring war. The town of Ferris has not made up its mind. Ada Brandt firmly supports the following: the council "
    "may shut the gates. General Olm firmly opposes the following: the speaker's own side should raise the conflict. "
    "summarize: says nothing about; is undecided about; has reservations about; is inclined to accept."
)


def byte_pair_files(folder: Path, specials: list[str]) -> int:
    """`vocab.json` and `merges.txt` as BART's and LED's repositories hold them; returns the number of tokens."""
    from tokenizers import ByteLevelBPETokenizer

    tokenizer = ByteLevelBPETokenizer()
    tokenizer.train_from_iterator([TEXT] * 3, vocab_size=400, min_frequency=2, special_tokens=specials)
    tokenizer.save_model(str(folder))
    return len(json.loads((folder / "vocab.json").read_text(encoding="utf-8")))


@cache
def sentencepiece_model(pad: int, eos: int, unk: int, bos: int, extra: tuple[str, ...]) -> bytes:
    """A unigram model, trained on one paragraph."""
    import sentencepiece

    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXT.split(". ") * 4),
        model_writer=model,
        vocab_size=160,
        hard_vocab_limit=False,
        pad_id=pad,
        eos_id=eos,
        unk_id=unk,
        bos_id=bos,
        user_defined_symbols=list(extra),
        minloglevel=2,
    )
    return model.getvalue()


def sentencepiece_files(folder: Path, name: str, pad: int, eos: int, unk: int, bos: int, *extra: str) -> None:
    """The model file under the name that a repository of that kind uses."""
    (folder / name).write_bytes(sentencepiece_model(pad, eos, unk, bos, extra))


def tokenizer_config(folder: Path, cls: str, **fields: Any) -> None:
    content = {"tokenizer_class": cls, **fields}
    (folder / "tokenizer_config.json").write_text(json.dumps(content), encoding="utf-8")


def save(model: Any, folder: Path) -> Path:
    model.save_pretrained(folder)
    return folder


def bart_files(folder: Path, cls: str, window: int) -> int:
    n = byte_pair_files(folder, ["<s>", "<pad>", "</s>", "<unk>", "<mask>"])
    tokenizer_config(folder, cls, model_max_length=window)
    return n


def seeded(scale: float = 0.5) -> dict[str, Any]:
    import torch

    torch.manual_seed(0)
    return {"init_std": scale}


def bart(folder: Path, window: int = 64) -> Path:
    from transformers import BartConfig, BartForConditionalGeneration

    n = bart_files(folder, "BartTokenizer", window)
    config = BartConfig(vocab_size=n, max_position_embeddings=window, forced_bos_token_id=0, **bart_shape())
    return save(BartForConditionalGeneration(config), folder)


def bart_shape() -> dict[str, Any]:
    return {
        "d_model": 16,
        "encoder_layers": 1,
        "decoder_layers": 1,
        "encoder_attention_heads": 2,
        "decoder_attention_heads": 2,
        "encoder_ffn_dim": 24,
        "decoder_ffn_dim": 24,
        **seeded(),
    }


def led(folder: Path, window: int = 128) -> Path:
    from transformers import LEDConfig, LEDForConditionalGeneration

    n = bart_files(folder, "LEDTokenizer", window)
    config = LEDConfig(
        vocab_size=n,
        max_encoder_position_embeddings=window,
        max_decoder_position_embeddings=64,
        attention_window=16,
        **bart_shape(),
    )
    return save(LEDForConditionalGeneration(config), folder)


def pegasus(folder: Path, window: int = 64) -> Path:
    from transformers import PegasusConfig, PegasusForConditionalGeneration

    sentencepiece_files(folder, "spiece.model", 0, 1, 2, -1, "<mask_1>", "<mask_2>")
    tokenizer_config(folder, "PegasusTokenizer", model_max_length=window, offset=0)
    config = PegasusConfig(vocab_size=320, max_position_embeddings=window, **bart_shape())
    return save(PegasusForConditionalGeneration(config), folder)


def t5(folder: Path, window: int = 64) -> Path:
    from transformers import T5Config, T5ForConditionalGeneration

    sentencepiece_files(folder, "spiece.model", 0, 1, 2, -1)
    tokenizer_config(folder, "T5Tokenizer", model_max_length=window, extra_ids=10)
    seeded()
    config = T5Config(
        vocab_size=320,
        d_model=16,
        d_kv=8,
        d_ff=24,
        num_layers=1,
        num_decoder_layers=1,
        num_heads=2,
        n_positions=window,
        initializer_factor=4.0,
        decoder_start_token_id=0,
    )
    return save(T5ForConditionalGeneration(config), folder)


MNLI = {"entailment": 0, "neutral": 1, "contradiction": 2}
BART_MNLI = {"contradiction": 0, "neutral": 1, "entailment": 2}
TWO_CLASSES = {"entailment": 0, "not_entailment": 1}


def classes(labels: dict[str, int]) -> dict[str, Any]:
    return {"label2id": labels, "id2label": {i: name for name, i in labels.items()}, "num_labels": len(labels)}


def deberta(folder: Path, labels: dict[str, int] | None = None, window: int = 64) -> Path:
    """As microsoft's and MoritzLaurer's DeBERTa-v3: relative positions, SentencePiece in `spm.model`."""
    from transformers import DebertaV2Config, DebertaV2ForSequenceClassification

    sentencepiece_files(folder, "spm.model", 0, 2, 3, 1)
    tokenizer_config(folder, "DebertaV2Tokenizer", model_max_length=window, do_lower_case=False)
    seeded()
    config = DebertaV2Config(
        vocab_size=320,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=24,
        max_position_embeddings=window,
        relative_attention=True,
        position_buckets=16,
        norm_rel_ebd="layer_norm",
        share_att_key=True,
        pos_att_type=["p2c", "c2p"],
        position_biased_input=False,
        type_vocab_size=0,
        initializer_range=0.6,
        **classes(labels or MNLI),
    )
    return save(DebertaV2ForSequenceClassification(config), folder)


def bart_nli(folder: Path, labels: dict[str, int] | None = None, window: int = 64) -> Path:
    from transformers import BartConfig, BartForSequenceClassification

    n = bart_files(folder, "BartTokenizer", window)
    shape = bart_shape() | classes(labels or BART_MNLI)
    return save(
        BartForSequenceClassification(BartConfig(vocab_size=n, max_position_embeddings=window, **shape)), folder
    )


def bert(folder: Path, window: int = 32) -> Path:
    """An encoder without a head, with WordPiece in `vocab.txt`."""
    from transformers import BertConfig, BertModel

    words = sorted({w.strip(".:;'").casefold() for w in TEXT.split()})
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
    tokenizer_config(folder, "BertTokenizer", model_max_length=window, do_lower_case=True)
    seeded()
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=24,
        max_position_embeddings=window,
        initializer_range=0.5,
    )
    return save(BertModel(config), folder)
