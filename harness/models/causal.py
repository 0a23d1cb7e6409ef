"""A causal language model ready for use: weights, tokenizer, chat template, window, tokenising as lm-eval does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from inspect import signature
from typing import TYPE_CHECKING, Any

from harness.errors import ModelError
from harness.models.article_states import ArticleStates
from harness.models.attention import Plan, planned
from harness.models.chat_clock import CONSTANTS, stopped_clock
from harness.models.decoder import Decoder, decoder_of
from harness.models.ends import gguf_ends, known_ends, role_marks, template_ends
from harness.models.loading import LoadedModel, load_pretrained
from harness.models.packed_linear import Packed, pack_linears, packed_linears
from harness.models.quiet import quiet_transformers
from harness.models.source import ModelSource
from harness.models.windows import Fitted, LongInput, fit_article, token_spans
from harness.text.replies import is_thought_mark

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

Message = Mapping[str, str]
"""`{"role": "system" | "user" | "assistant", "content": ...}`."""

Forward = Callable[["torch.Tensor", "torch.Tensor", "torch.Tensor | None"], "torch.Tensor"]
"""A forward pass: [batch, n] ids, their positions and the places to keep (None: all) → [batch, n or kept, vocabulary]."""

_UNBOUNDED = 1 << 20
"""Window of a model that names none (a recurrent one)."""


@dataclass
class CausalModel(LoadedModel):
    """A causal language model."""

    checks: dict[str, bool] = field(default_factory=dict)
    """Which fast paths hold for this model, as far as they were tried."""
    states: ArticleStates = field(default_factory=ArticleStates)
    """Keys and values of articles that were read, for the next question about them."""

    def __post_init__(self) -> None:
        probe: list[int] = self.tokenizer("a").input_ids
        bos = self.tokenizer.bos_token_id
        self._keeps_logits = "logits_to_keep" in signature(self.model.forward).parameters
        self._bos: list[int] = [bos] if bos is not None and probe[:1] == [bos] else []

    @classmethod
    def load(cls, source: ModelSource, device: str = "auto", dtype: str = "auto") -> CausalModel:
        """Loads `source`, on the device and in the dtype that `auto` or a name picks; ModelError if it cannot."""
        loaded = load_pretrained(source, "AutoModelForCausalLM", "a causal model", device, dtype)
        return cls(source, *loaded, _window(*loaded[:2]))

    @classmethod
    def without_weights(cls, source: ModelSource) -> CausalModel:
        """A model that counts tokens and computes nothing: no weights are read, though a GGUF file is converted, once."""
        import torch
        import transformers

        folder = source.folder()
        auto: Any = transformers.AutoModelForCausalLM
        with quiet_transformers(), torch.device("meta"):
            tokenizer = transformers.AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
            config = transformers.AutoConfig.from_pretrained(folder, trust_remote_code=False)
            model = auto.from_config(config, trust_remote_code=False)
        return cls(source, model, tokenizer, "meta", "float32", _window(model, tokenizer))

    @property
    def on_gpu(self) -> bool:
        """Whether the weights are on a GPU."""
        return self.device.startswith("cuda")

    @property
    def layers(self) -> int:
        """How many layers the decoder has."""
        return int(self._text_config.num_hidden_layers)

    @property
    def vocabulary(self) -> int:
        """Number of rows of the embedding."""
        embedding: Any = self.model.get_input_embeddings()
        return int(embedding.weight.shape[0])

    @cached_property
    def packed(self) -> Packed:
        """Weights in the layout that the processor likes best, made when a pass without decoder first asks."""
        return pack_linears(self.model)

    @cached_property
    def decoder(self) -> Decoder | None:
        """The layers in few operations, where the architecture is one that they are written for."""
        return decoder_of(self.model)

    def holds(self, path: str, check: Callable[[CausalModel], bool]) -> bool:
        """Whether a fast path holds by its `check`, which runs once per loaded model.

        Where it does not with the decoder, that goes, and the check is made again without it.
        """
        if path not in self.checks:
            holds = check(self)
            if not holds and self.decoder is not None:
                self.decoder = None
                self.checks.clear()
                self.states.clear()
                holds = check(self)
            self.checks[path] = holds
        return self.checks[path]

    @contextmanager
    def attending(self, plan: Plan) -> Iterator[Forward]:
        """A forward pass in which `plan` decides who attends to whom; to be used inside."""
        import torch

        with torch.inference_mode():
            if self.decoder is not None:
                yield partial(self.decoder.logits, plan)
                return
            with planned(self.model, plan), packed_linears(self.model, self.packed):
                yield lambda ids, positions, keep: self.logits(ids, positions=positions, keep=keep)

    @property
    def _text_config(self) -> Any:
        return self.model.config.get_text_config()

    @property
    def memory(self) -> int:
        """Bytes that the weights take, with the packed copy and the articles' states; tied ones count once."""
        packed: Packed = self.__dict__.get("packed", {})
        decoder: Decoder | None = self.__dict__.get("decoder")
        copies = sum(t.nbytes for t in packed.values()) + (decoder.memory if decoder else 0)
        return super().memory + copies + self.states.memory

    @property
    def steady(self) -> int:
        """Tokens up to which a text's beginning is computed the same however long it is: LongRoPE turns longer ones otherwise."""
        rope = getattr(self._text_config, "rope_parameters", None) or {}
        return int(rope["original_max_position_embeddings"]) if rope.get("rope_type") == "longrope" else self.window

    @property
    def has_chat_template(self) -> bool:
        """Whether the tokenizer brings a chat template."""
        return bool(self.tokenizer.chat_template)

    @property
    def eos_ids(self) -> tuple[int, ...]:
        """Tokens that end an answer: by generation config, config, tokenizer and a GGUF's metadata, by their names, and the one
        with which the chat template closes an assistant's turn."""
        ids: list[int] = []
        configs = (self.model.generation_config, self.model.config, self.tokenizer)
        for value in (getattr(c, "eos_token_id", None) for c in configs):
            ids += [] if value is None else [value] if isinstance(value, int) else list(value)
        return tuple(dict.fromkeys([*ids, *self._further_ends]))

    @cached_property
    def _further_ends(self) -> list[int]:
        closing = template_ends(self.tokenizer, self._turns) if self.has_chat_template else []
        return [*gguf_ends(self.source), *known_ends(self.tokenizer), *closing]

    @cached_property
    def _role_marks(self) -> tuple[str, ...]:
        return role_marks(self._turns) if self.has_chat_template else ()

    def role_mark(self, ids: Sequence[int]) -> str | None:
        """A mark of the chat's roles in an answer's tokens, such as `<|im_start|>user`, whose model went on as somebody else."""
        if not self._role_marks:
            return None
        text = str(self.tokenizer.decode(list(ids), skip_special_tokens=False))
        return next((mark for mark in self._role_marks if mark in text), None)

    def _turns(self, messages: Sequence[Message]) -> str:
        return self._render([dict(m) for m in messages], add_generation_prompt=False)

    def chat(self, messages: Sequence[Message], *, add_generation_prompt: bool = True) -> str:
        """The prompt by the model's chat template; without one, the contents one below the other.

        A template that knows no system role gets its text at the head of the first user message.
        """
        if not self.has_chat_template:
            return "\n\n".join(m["content"].strip() for m in messages) + "\n\n"
        from jinja2.exceptions import TemplateError

        turns = [dict(m) for m in messages]
        try:
            return self._render(turns, add_generation_prompt)
        except TemplateError:
            if len(turns) < 2 or turns[0]["role"] != "system":
                raise
            system, first, *rest = turns
            merged = first | {"content": f"{system['content']}\n\n{first['content']}"}
            return self._render([merged, *rest], add_generation_prompt)

    def chat_around(self, messages: Sequence[Message], placeholder: str) -> tuple[str, str]:
        """The rendered chat before and after the one place where `placeholder` stands; ModelError if it is not one."""
        before, mark, after = self.chat(messages).partition(placeholder)
        if not mark or placeholder in after:
            raise ModelError(f"the prompt must contain {placeholder!r} exactly once")
        return before, after

    def encode(self, text: str) -> list[int]:
        """Token ids of a prompt; its beginning-of-text token appears once, whether text or tokenizer brings it."""
        return self.encode_many([text])[0]

    def encode_many(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of prompts, as `encode`."""
        if not texts:
            return []
        backend = getattr(self.tokenizer, "backend_tokenizer", None)
        encoded: list[list[int]]
        if backend is None or backend.truncation or backend.padding:
            encoded = self.tokenizer(list(texts), add_special_tokens=False).input_ids
        else:
            # the same without the places in the text, which take a third of the time
            encoded = [e.ids for e in backend.encode_batch_fast(list(texts), add_special_tokens=False)]
        return [ids if self._has_bos(text) else self._bos + ids for text, ids in zip(texts, encoded, strict=True)]

    def encode_pairs(self, pairs: Sequence[tuple[str, str]]) -> list[tuple[list[int], list[int]]]:
        """(context, continuation) texts as token ids by lm-eval's convention.

        Trailing spaces of the context move to the continuation; the whole is tokenised at once and cut where the
        context alone, tokenised, ends: `("Stance: ", "oppose")` becomes the tokens of `Stance:` and those of ` oppose`.
        ModelError for an empty context or continuation.
        """
        moved: list[tuple[str, str]] = []
        for context, continuation in pairs:
            bare = context.rstrip()
            if not bare or not continuation:
                raise ModelError("a context and a continuation must not be empty")
            moved.append((bare, context[len(bare) :] + continuation))
        contexts = dict.fromkeys(context for context, _ in moved)
        encoded = self.encode_many([*contexts, *(a + b for a, b in moved)])
        lengths = {context: len(ids) for context, ids in zip(contexts, encoded, strict=False)}
        wholes = encoded[len(contexts) :]
        return [
            (ids[: lengths[context]], ids[lengths[context] :]) for (context, _), ids in zip(moved, wholes, strict=True)
        ]

    def decode(self, ids: Sequence[int]) -> str:
        """Text of generated tokens without special tokens, stripped; those that say where a thought is stay."""
        if self._thought_marks.isdisjoint(ids):
            return str(self.tokenizer.decode(list(ids), skip_special_tokens=True)).strip()
        dropped = set(self.tokenizer.all_special_ids) - self._thought_marks
        text = self.tokenizer.decode([i for i in ids if i not in dropped], skip_special_tokens=False)
        return str(text).strip()

    @cached_property
    def _thought_marks(self) -> frozenset[int]:
        """Special tokens without which a thought could not be told from an answer."""
        tokens = self.tokenizer.convert_ids_to_tokens(list(self.tokenizer.all_special_ids))
        return frozenset(
            i for i, token in zip(self.tokenizer.all_special_ids, tokens, strict=True) if is_thought_mark(str(token))
        )

    def logits(
        self, ids: torch.Tensor, *, positions: torch.Tensor | None = None, keep: torch.Tensor | None = None
    ) -> torch.Tensor:
        """[batch, n] ids → [batch, n or len(keep), vocabulary], no cache; `keep` names the places that are wanted."""
        arguments: dict[str, Any] = {}
        if positions is not None:
            arguments["position_ids"] = positions.to(self.device)
        if keep is not None:
            keep = keep.to(self.device)
        if keep is not None and self._keeps_logits:
            arguments["logits_to_keep"] = keep
        logits: torch.Tensor = self.model(input_ids=ids.to(self.device), use_cache=False, **arguments).logits
        return logits if keep is None or self._keeps_logits else logits[:, keep]

    def fit(
        self,
        prefix: str,
        article: str,
        suffix: str,
        policy: LongInput = "error",
        *,
        reserve: int = 0,
        overlap: int = 64,
    ) -> Fitted:
        """Pieces of `article` such that prefix + piece + suffix and `reserve` more tokens fit the window.

        Prefix and suffix are never cut. `truncate_article` keeps the beginning; `windows` covers all of the article
        in pieces that share `overlap` tokens. WindowExceeded under `error`, or where not even one token would fit.
        """
        room = self.window - reserve
        # a token has at least a byte, and normalising makes a text hardly ever twice as long
        if 2 * len((prefix + article + suffix).encode("utf-8", "surrogatepass")) < room:
            return Fitted((article,), 0)
        return fit_article(
            article,
            partial(token_spans, self.tokenizer),
            lambda piece: len(self.encode(prefix + piece + suffix)),
            room,
            policy,
            self.source.ref,
            overlap,
        )

    def _render(self, turns: list[dict[str, str]], add_generation_prompt: bool) -> str:
        with stopped_clock():
            text = self.tokenizer.apply_chat_template(
                turns, tokenize=False, add_generation_prompt=add_generation_prompt, **CONSTANTS
            )
        return str(text)

    def _has_bos(self, text: str) -> bool:
        # A chat template writes whatever the model wants at the head, or deliberately nothing.
        return self.has_chat_template or (bool(self._bos) and text.startswith(str(self.tokenizer.bos_token)))


def _window(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> int:
    config = model.config.get_text_config()
    for name in ("max_position_embeddings", "n_positions", "max_seq_len", "max_sequence_length"):
        value = getattr(config, name, None)
        if isinstance(value, int) and value > 0:
            return value
    return min(int(tokenizer.model_max_length), _UNBOUNDED)
