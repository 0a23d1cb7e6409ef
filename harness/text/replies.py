"""What of a model's reply is its answer: thoughts are set apart, spent budgets and refusals are recognised."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

READING = 1
"""Version of how replies are read, here and in `systems/parsing.py`. Raise it whenever the same reply could be read
otherwise: stored replies are then read again when a run or `harness rescore` next needs them, and no model is asked."""

WINDOW_BREAK = "\n\f\n"
"""Stands between the replies to several windows of an article where they are stored as one text."""

_TAGS = r"seed:think|cot_budget_reflect|think(?:ing)?|thoughts?|reason(?:ing)?|analysis|reflection|scratchpad|inner_monologue"
_OPENS = (
    # Gemma 4 ends with the mirrored mark what this begins
    rf"<(?:{_TAGS})(?:\s[^<>]*)?>|\[THINK\]|◁think▷|<\|channel>\s*(?:thought|thinking|analysis)\b|<unused94>(?:thought\b)?|"
    r"<\|START_THINKING\|>|<\|begin_of_thought\|>|<\|inner_prefix\|>"
)
_CLOSES = rf"</(?:{_TAGS})>|\[/THINK\]|◁/think▷|<channel\|>|<unused95>|<\|END_THINKING\|>|<\|end_of_thought\|>|<\|inner_suffix\|>"
_MARK = re.compile(rf"(?P<opens>{_OPENS})|(?P<closes>{_CLOSES})", re.IGNORECASE)
_ENDS_OPEN = re.compile(rf"(?:{_OPENS})\s*\Z", re.IGNORECASE)
# Granite 3.2 marks both parts by a sentence
_PHRASED = re.compile(
    r"\A\s*Here(?:'s| is) my thought process:(?P<thought>.*?)(?:Here(?:'s| is) my response:(?P<answer>.*))?\Z",
    re.DOTALL,
)
# gpt-oss: a message a channel, of which `final` alone is for the reader
_CHANNEL = re.compile(
    r"<\|channel\|>\s*(?P<name>\w+)[^<]*(?:<\|constrain\|>[^<]*)?<\|message\|>(?P<text>.*?)(?=<\|(?:end|return|call|start|channel)\|>|\Z)",
    re.DOTALL,
)
# the same where the special tokens were dropped
_BARE_CHANNELS = re.compile(
    r"\A\s*(?:assistant)?(?:analysis|commentary)(?=[A-Z\"“'])(?P<thought>.*?)(?:assistant\s*final(?P<answer>.*))?\Z",
    re.DOTALL,
)
_WRAPPED = re.compile(
    r"<(?P<tag>answer|response|output|final_answer|final)>(?P<inner>.*?)(?:</(?P=tag)>|\Z)|"
    r"<\|(?:START_RESPONSE|begin_of_solution)\|>(?P<solution>.*?)(?:<\|(?:END_RESPONSE|end_of_solution)\|>|\Z)",
    re.DOTALL | re.IGNORECASE,
)
_ENDINGS = re.compile(
    r"(?:\s*(?:<\|(?:im_end|eot_id|eom_id|end|return|endoftext|end_of_text|END_OF_TURN_TOKEN|eot|user|observation)\|>|"
    r"</s>|<eos>|<end_of_turn>|<turn\|>|<｜end▁of▁sentence｜>|\[e~\[))+\s*\Z"
)
_ALOUD = re.compile(
    r"\s*(?:okay|ok|alright|hmm+|well|let me\b|let's\b|we need to\b|we have to\b|i need to\b|first,|to determine\b|"
    r"to answer\b|the user (?:asks|wants|is asking)\b|thinking process\b|step 1\b)",
    re.IGNORECASE,
)
"""How models begin that think without marks; it is a thought only where the budget ended it."""
_SORRY = (
    r"(?:i(?:['’]m| am) (?:really |very |so |truly )?(?:sorry|afraid)|sorry|i apologi[sz]e|apologies|unfortunately|"
    r"as an? (?:ai|artificial|large|language)[^.,]*)"
)
_NOT_ABLE = r"(?:not able|unable|not comfortable|not going|not allowed|not permitted)"
_UNABLE = (
    r"(?:i|we) (?:(?:simply |really |respectfully )?(?:can(?:no|['’])t|can not|could not|couldn['’]t|won['’]t|will not|must "
    rf"decline|have to decline|decline|do(?:n['’]t| not) feel comfortable|refuse)|(?:am|['’]m) {_NOT_ABLE})|i['’]m {_NOT_ABLE}"
)
_DEED = (
    r"(?:help|assist|provide|answer|comply|fulfil|engage|discuss|complete|summari[sz]e|create|generate|respond|participate|take "
    r"(?:a )?(?:side|part)|continue|do that|offer|support (?:this|that|your) request|with (?:this|that|your) request)"
)
_REFUSAL = re.compile(
    rf"[\s*_#>]*(?:{_SORRY}\W+(?:but |that )?)?(?:{_UNABLE})\b[^.\n]{{0,60}}?\b{_DEED}", re.IGNORECASE
)
_POLICY = re.compile(
    r"\W*(?:this|the|your) (?:request|content|prompt|question|response) (?:violates|was (?:blocked|filtered|flagged)|goes "
    r"against|is (?:against|not allowed|blocked))",
    re.IGNORECASE,
)
_FILTERED = frozenset({"content_filter", "safety", "refusal"})
_SPENT = frozenset({"length", "max_tokens", "model_length"})
_ENDED = frozenset({"stop", "eos", "end_turn", "stop_sequence", "eos_token"})


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply taken apart: `text` is what was answered, `thought` what was not meant for the reader.

    `problem` says why there is no answer (an unclosed thought, a spent budget): it is no answer that is wrong, and is to be
    asked again. `refused` is a refusal; where a label can be read of `text` all the same, that counts.
    """

    text: str
    thought: str = ""
    problem: str | None = None
    refused: bool = False


def open_reply(raw: str, finish: str | None = None) -> Reply:
    """The reply in `raw`, whose end has the reason `finish` (`stop`, `length`, ...; "" where none came, None: not known).

    >>> open_reply("<think>She says no.</think>\\n\\nA").text
    'A'
    >>> open_reply("<think>She says").problem
    'the thought has no end, so there is no answer'
    """
    answer, thought, closed = _apart(raw)
    text = _bare(answer)
    spent = finish in _SPENT
    problem = None
    if not closed:
        problem = "the thought has no end, so there is no answer" + (": the budget of tokens was spent" * spent)
    elif spent and not thought and _ALOUD.match(text):
        problem = "the budget of tokens was spent while the model thought aloud"
    elif not text and spent:
        problem = f"the budget of tokens was spent before an answer (finish_reason: {finish})"
    elif not text and thought:
        problem = "the reply holds a thought and no answer"
    elif not text and finish is not None and finish not in _ENDED | _FILTERED:
        problem = f"the answer is empty (finish_reason: {finish or 'none'})"
    refused = problem is None and (finish in _FILTERED or bool(_REFUSAL.match(text) or _POLICY.match(text)))
    return Reply(text, thought, problem, refused)


def with_thought(thought: str, text: str) -> str:
    """One raw reply of a thought and an answer that a server gives in fields of their own.

    >>> with_thought("She says no.", "A")
    '<think>She says no.</think>\\nA'
    """
    return f"<think>{thought}</think>\n{text}".strip() if thought.strip() else text


def thought_begun(prompt: str) -> str:
    """The mark by which a prompt begins the model's thought (`<think>`), "" where it does not."""
    match = _ENDS_OPEN.search(prompt)
    return match.group().strip() if match else ""


def is_thought_mark(token: str) -> bool:
    """Whether a special token says where a thought is, so that it stays when tokens become text.

    >>> is_thought_mark("<|channel|>"), is_thought_mark("<|im_end|>")
    (True, False)
    """
    return bool(_MARK.fullmatch(token)) or token in _CHANNEL_TOKENS


_CHANNEL_TOKENS = frozenset({"<|channel|>", "<|message|>", "<|start|>", "<|end|>", "<|channel>", "<channel|>"})


def first_problem(replies: Sequence[Reply]) -> str | None:
    """Why one of the replies to an article's windows is no answer; None where all are answers."""
    problems = [(n, r.problem) for n, r in enumerate(replies, 1) if r.problem is not None]
    if not problems:
        return None
    n, problem = problems[0]
    return problem if len(replies) == 1 else f"window {n} of {len(replies)}: {problem}"


def refusal(replies: Sequence[Reply]) -> str | None:
    """The words of the first refusal among the replies, shortened; None without one."""
    return next((" ".join(r.text.split())[:300] for r in replies if r.refused), None)


def _apart(raw: str) -> tuple[str, str, bool]:
    """(what stands outside of thoughts, the thoughts, whether every thought has an end)."""
    if "<|channel|>" in raw and "<|message|>" in raw:
        channels = [(m["name"], m["text"]) for m in _CHANNEL.finditer(raw)]
        finals = [text for name, text in channels if name == "final"]
        thought = "\n".join(text for name, text in channels if name != "final")
        return (finals[-1] if finals else ""), thought, bool(finals)
    for pattern in (_PHRASED, _BARE_CHANNELS):
        if match := pattern.match(raw):
            return match["answer"] or "", match["thought"], match["answer"] is not None
    pieces: list[str] = []
    thoughts: list[str] = []
    position, depth = 0, 0
    for mark in _MARK.finditer(raw):
        between = raw[position : mark.start()]
        position = mark.end()
        if mark["opens"]:
            (thoughts if depth else pieces).append(between)
            depth = 1
        elif depth:
            thoughts.append(between)
            depth = 0
        else:
            # the prompt began the thought: what came so far belongs to it
            thoughts += [*pieces, between]
            pieces.clear()
    rest = raw[position:]
    if depth:
        return "".join(pieces), "\n".join([*thoughts, rest]), False
    return "".join([*pieces, rest]), "\n".join(t for t in thoughts if t.strip()), True


def _bare(text: str) -> str:
    """An answer without the marks around it: `<answer>E</answer>` and the tokens that end a turn."""
    text = _ENDINGS.sub("", text).strip()
    wrapped = list(_WRAPPED.finditer(text))
    if wrapped:
        text = (wrapped[-1]["inner"] or wrapped[-1]["solution"] or "").strip()
    return text
