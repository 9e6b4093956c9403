"""Timbre spaces on a page: the arrays of one space are one model, stored once, that any number of widgets point to."""

from __future__ import annotations

import hashlib
from typing import ClassVar

import ipywidgets
from traitlets import Bytes, Dict, List

from lib.timbre.export import Packed, pack_decoder, pack_encoder
from lib.timbre.space import Space, load_space


class SpaceData(ipywidgets.Widget):
    """The arrays of a space, as a model without a view; `shared/space.js` opens it."""

    data = Bytes().tag(sync=True)
    layout_of_data = List(Dict()).tag(sync=True)
    about = Dict().tag(sync=True)

    _made: ClassVar[dict[str, SpaceData]] = {}

    @classmethod
    def of(cls, packed: Packed) -> SpaceData:
        """Return the model of these arrays, made at most once per kernel."""
        digest = hashlib.sha256(packed.data + repr(packed.about).encode()).hexdigest()
        made = cls._made.get(digest)
        if made is None or made.comm is None:
            made = cls(data=packed.data, layout_of_data=packed.layout, about=packed.about)
            cls._made[digest] = made
        return made


def opened(space: Space | str) -> Space:
    """Return a space, or open the shipped one of that name."""
    return load_space(space) if isinstance(space, str) else space


def decoder_data(space: Space | str) -> SpaceData:
    """What a page needs to show a space, move in it and hear it."""
    return SpaceData.of(pack_decoder(opened(space)))


def encoder_data(space: Space | str) -> SpaceData:
    """What a page needs to place a reader's sound."""
    return SpaceData.of(pack_encoder(opened(space)))
