"""Predict, then hear: a question that must be answered before the page gives anything away."""

from __future__ import annotations

import hashlib
import html
import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import ipywidgets
from ipywidgets import widget_serialization
from traitlets import Bool, Float, Instance, Int, List, Unicode

from lib.errors import BookError
from lib.widgets.base import Widget
from lib.widgets.player import player


class Predict(Widget):
    """The widget that `predict` makes; see there."""

    folder: ClassVar[str] = "predict"
    question = Unicode().tag(sync=True)
    options = List(Unicode()).tag(sync=True)  # empty: the prediction is a number
    answer = Int(-1).tag(sync=True)
    explanation = Unicode().tag(sync=True)
    low = Float().tag(sync=True)
    high = Float().tag(sync=True)
    step = Float().tag(sync=True)
    target = Float().tag(sync=True)
    tolerance = Float().tag(sync=True)
    unit = Unicode().tag(sync=True)
    logarithmic = Bool(False).tag(sync=True)
    key = Unicode().tag(sync=True)
    before = Instance(ipywidgets.Widget, allow_none=True).tag(sync=True, **widget_serialization)
    then = Instance(ipywidgets.Widget, allow_none=True).tag(sync=True, **widget_serialization)

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any] | None:
        """Add the question as text and as plain HTML, for readers whose page runs no JavaScript."""
        bundle = super()._repr_mimebundle_(**kwargs)
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        if data is not None:
            data["text/plain"] = self.as_text()
            data["text/html"] = self.as_html()
        return bundle

    def as_text(self) -> str:
        """Write the question, its options and, further down, the answer."""
        choice = " / ".join(self.options) or f"a number from {self.low:g} to {self.high:g} {self.unit}".rstrip()
        return f"Predict: {self.question} ({choice})\nAnswer: {self._answer_text()}. {self.explanation}".rstrip()

    def as_html(self) -> str:
        """The question with its answer folded away, in HTML that needs no script."""
        items = "".join(f"<li>{html.escape(option)}</li>" for option in self.options)
        return (
            f"<div><p><strong>Predict:</strong> {html.escape(self.question)}</p>"
            + (f"<ul>{items}</ul>" if items else "")
            + f"<details><summary>Answer</summary><p><strong>{html.escape(self._answer_text())}.</strong> "
            + f"{html.escape(self.explanation)}</p></details></div>"
        )

    def _answer_text(self) -> str:
        return self.options[self.answer] if self.options else f"{self.target:g} {self.unit}".rstrip()


def predict(
    question: str,
    options: Sequence[str] | tuple[float, float],
    answer: str | int | float,
    explanation: str = "",
    sounds: Any = None,
    *,
    before: Any = None,
    unit: str = "",
    step: float | None = None,
    tolerance: float | None = None,
    logarithmic: bool = False,
    key: str | None = None,
) -> Predict:
    """Ask for a prediction; once it is committed, the sounds and the explanation unlock.

    Args:
        question: one sentence; `*emphasis*`, `**bold**` and `` `code` `` are understood, here and in the rest.
        options: two to six answers to choose from; or a pair of numbers (low, high) for a slider.
        answer: the right option (its text, or its position from 0); for a slider, the true number.
        explanation: what is said once the reader has committed: why it is so.
        sounds: what unlocks: anything `lib.widgets.player.player` takes, or a widget.
        before: the same, to be heard before answering.
        unit: of the number, such as "Hz" or "%".
        step: of the slider; a hundredth of its range if not given.
        tolerance: how far off counts as right: in units, by default a tenth of the slider's range; on a
            logarithmic slider a ratio, by default 1.25.
        logarithmic: equal steps of the slider are equal ratios.
        key: under which the answer is kept in the browser; made of the question if not given.

    Raises:
        BookError: the answer is none of the options or outside the slider, or the options cannot be used.

    Chapter: every chapter.
    """
    if not question.strip():
        raise BookError("A prediction needs a question.")
    numeric = len(options) == 2 and all(isinstance(x, (int, float)) and not isinstance(x, bool) for x in options)
    traits = _slider(options, answer, step, tolerance, logarithmic) if numeric else _choice(options, answer)
    text = question + "|" + "|".join(str(option) for option in options)
    widget = Predict(
        question=question,
        explanation=explanation,
        unit=unit,
        key=key or hashlib.sha256(text.encode()).hexdigest()[:16],
        before=_playable(before),
        then=_playable(sounds),
        label="Predict: " + _plain(question),
        **traits,
    )
    widget.alt = "A question to answer before the sounds and the explanation are shown."
    return widget


def _choice(options: Sequence[Any], answer: Any) -> dict[str, Any]:
    texts = [str(option) for option in options]
    if isinstance(options, str) or not 2 <= len(texts) <= 6:
        raise BookError(f"A prediction takes 2 to 6 options, or a pair of numbers for a slider; got {options!r}.")
    if len(set(texts)) != len(texts):
        raise BookError(f"Two options read the same: {texts}.")
    if isinstance(answer, int) and not isinstance(answer, bool):
        if not 0 <= answer < len(texts):
            raise BookError(f"The answer is option {answer}, but there are options 0 to {len(texts) - 1}.")
        return {"options": texts, "answer": answer}
    if answer not in texts:
        raise BookError(f"The answer {answer!r} is none of the options {texts}.")
    return {"options": texts, "answer": texts.index(answer)}


def _slider(
    options: Sequence[float], answer: Any, step: float | None, tolerance: float | None, logarithmic: bool
) -> dict[str, Any]:
    low, high = (float(x) for x in options)
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise BookError(f"A slider runs from a lower to a higher number, not from {low:g} to {high:g}.")
    if logarithmic and low <= 0:
        raise BookError(f"A logarithmic slider starts above 0, not at {low:g}.")
    if isinstance(answer, (str, bool)) or not low <= float(answer) <= high:
        raise BookError(f"The answer {answer!r} is not on the slider from {low:g} to {high:g}.")
    tolerance = (1.25 if logarithmic else (high - low) / 10) if tolerance is None else float(tolerance)
    if tolerance < (1 if logarithmic else 0):
        raise BookError(f"A tolerance of {tolerance:g} cannot be met.")
    step = (high - low) / 100 if step is None else float(step)
    if step <= 0:
        raise BookError(f"A step of {step:g} is none.")
    return {
        "low": low, "high": high, "step": step, "target": float(answer),
        "tolerance": tolerance, "logarithmic": logarithmic,
    }  # fmt: skip


def _playable(sounds: Any) -> ipywidgets.Widget | None:
    if sounds is None or isinstance(sounds, ipywidgets.DOMWidget):
        return sounds
    if isinstance(sounds, Mapping) and not sounds:
        return None
    return player(sounds)


def _plain(text: str) -> str:
    return text.replace("*", "").replace("`", "")
