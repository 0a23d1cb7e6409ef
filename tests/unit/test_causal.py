"""Tokenising, chat templates and fitting long articles, on tiny models of real classes."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import ModelError, WindowExceeded
from harness.models.causal import CausalModel
from harness.models.source import resolve
from tests.tiny import byte_tokenizer, load_tiny

TEMPLATE = "{{ bos_token }}{% for m in messages %}[{{ m['role'] }}]{{ m['content'] }}{% endfor %}{{ date_string }}"
NO_SYSTEM = (
    "{% for m in messages %}{% if m['role'] == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
    "[{{ m['role'] }}]{{ m['content'] }}{% endfor %}"
)
TURNS = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> CausalModel:
    return load_tiny(tmp_path_factory.mktemp("m"), tokenizer=byte_tokenizer(bos=True))


def test_the_window_is_the_models_and_tied_weights_count_once(tmp_path: Path) -> None:
    tied = load_tiny(tmp_path / "a", window=77, tie_word_embeddings=True)
    untied = load_tiny(tmp_path / "b", window=77, tie_word_embeddings=False)
    assert tied.window == 77
    assert untied.memory - tied.memory == 258 * 32 * 4


def test_a_folder_without_usable_weights_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "no_such_architecture"}')
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(ModelError, match="as a causal model"):
        CausalModel.load(resolve(str(tmp_path)), "cpu")


def test_text_begins_with_one_bos(model: CausalModel) -> None:
    assert model.encode("ab")[:1] == [0] and len(model.encode("ab")) == 3
    assert model.encode("<s>ab") == model.encode("ab")


def test_a_rendered_chat_gets_no_second_bos(tmp_path: Path) -> None:
    chatty = load_tiny(tmp_path, tokenizer=byte_tokenizer(bos=True, template=TEMPLATE))
    text = chatty.chat(TURNS)
    assert text == "<s>[system]Be brief.[user]Hello26 Jul 2024"
    assert chatty.encode(text).count(0) == 1


def test_a_template_without_system_role_gets_it_in_the_first_user_message(tmp_path: Path) -> None:
    chatty = load_tiny(tmp_path, tokenizer=byte_tokenizer(template=NO_SYSTEM))
    assert chatty.chat(TURNS) == "[user]Be brief.\n\nHello"


def test_without_a_template_a_chat_is_plain_text(model: CausalModel) -> None:
    assert model.chat(TURNS) == "Be brief.\n\nHello\n\n"


def test_a_chat_splits_around_a_placeholder(model: CausalModel) -> None:
    assert model.chat_around([{"role": "user", "content": "Read: @@ Now answer."}], "@@") == (
        "Read: ",
        " Now answer.\n\n",
    )
    with pytest.raises(ModelError, match="exactly once"):
        model.chat_around([{"role": "user", "content": "@@ @@"}], "@@")


def test_pairs_are_cut_by_the_convention_of_lm_eval(model: CausalModel) -> None:
    space, colon = model.encode(" ")[-1], model.encode(":")[-1]
    (context, continuation), same = model.encode_pairs([("a: ", "b"), ("a:", " b")])
    assert context[-1] == colon and continuation[0] == space and len(continuation) == 2
    assert same == (context, continuation)
    for pair in (("", "b"), ("  ", "b"), ("a", "")):
        with pytest.raises(ModelError, match="must not be empty"):
            model.encode_pairs([pair])


@pytest.mark.parametrize("reserve", [0, 20])
def test_a_long_article_is_cut_but_never_what_stands_around_it(model: CausalModel, reserve: int) -> None:
    article = "".join(f"Sentence {n}. " for n in range(60))
    prefix, suffix = "Instruction: ", " Speaker: Olm"
    around = len(model.encode(prefix + suffix))
    room = model.window - reserve - around
    cut = model.fit(prefix, article, suffix, "truncate_article", reserve=reserve)
    assert cut.pieces == (article[:room],)
    assert cut.tokens_cut == len(article) - room
    windows = model.fit(prefix, article, suffix, "windows", reserve=reserve, overlap=10)
    assert windows.tokens_cut == 0
    assert windows.pieces[0] == article[:room]
    rebuilt = windows.pieces[0] + "".join(p[10:] for p in windows.pieces[1:])
    assert rebuilt == article
    assert all(len(model.encode(prefix + p + suffix)) <= model.window - reserve for p in windows.pieces)
    with pytest.raises(WindowExceeded, match="long_input=truncate_article"):
        model.fit(prefix, article, suffix, "error", reserve=reserve)


def test_an_article_that_fits_stays_whole(model: CausalModel) -> None:
    for policy in ("error", "truncate_article", "windows"):
        fitted = model.fit("a ", "short", " b", policy)  # type: ignore[arg-type]
        assert (fitted.pieces, fitted.tokens_cut) == (("short",), 0)


def test_an_instruction_longer_than_the_window_is_an_error(model: CausalModel) -> None:
    with pytest.raises(WindowExceeded, match="nothing of it fits"):
        model.fit("x" * 300, "y" * 100, "", "truncate_article")


def test_windows_with_little_room_are_not_one_for_every_few_tokens() -> None:
    from harness.models.windows import fit_article

    article = "x" * 600
    found = fit_article(
        article, lambda text: [(i, i + 1) for i in range(len(text))], lambda piece: 40 + len(piece), 100, "windows", "m"
    )
    # room for 60 of 600, 30 of them shared: 60 + 30 n >= 600
    assert len(found.pieces) == 19
    assert found.tokens_cut == 0
