"""`python -m lib.timbre distances | place | resynthesize | morph | describe`: timbre spaces from the command line."""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path

import numpy as np

from lib.errors import BookError

MEASURES = ("latent", "trajectory", "rated", "acoustic")


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit status: 0 well, 2 something the user can mend."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except BookError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lib.timbre", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)

    def add(name: str, text: str, run) -> argparse.ArgumentParser:  # type: ignore[no-untyped-def]
        command = commands.add_parser(name, help=text, description=text)
        command.set_defaults(run=run)
        command.add_argument("--space", default="nsgt-erb", help="a shipped space, or the path of a .npz file")
        return command

    command = add("distances", "pairwise distances between sounds, as CSV", _distances)
    command.add_argument("files", nargs="+", metavar="FILE")
    command.add_argument("--measure", choices=MEASURES, default="trajectory")
    command = add("place", "where sounds lie: pitch, view coordinates, likeness, nearest note; as CSV", _place)
    command.add_argument("files", nargs="+", metavar="FILE")
    command = add("resynthesize", "send a sound through the space and write what comes back", _resynthesize)
    command.add_argument("source", metavar="IN")
    command.add_argument("out", metavar="OUT")
    command.add_argument("--griffin-lim", action="store_true", help="phases by Griffin-Lim, as in the paper")
    command = add("morph", "a sound that turns from A into B", _morph)
    command.add_argument("a", metavar="A")
    command.add_argument("b", metavar="B")
    command.add_argument("out", metavar="OUT")
    command.add_argument("--kind", choices=("linear", "spherical", "expressive"), default="spherical")
    command.add_argument("--seconds", type=float, default=3.0)
    command = add("describe", "descriptors of a sound, and what it is like", _describe)
    command.add_argument("files", nargs="+", metavar="FILE")
    return parser


def _distances(options: argparse.Namespace) -> None:
    from lib.timbre import load_space
    from lib.timbre.agreement import pairwise

    if len(options.files) < 2:
        raise BookError("Distances need at least two files.")
    space = load_space(options.space)
    if options.measure == "rated" and not space.head_dims:
        raise BookError(f"{space.name} was trained without ratings; use another --measure or --space nsgt-erb.")
    rows = []
    for file in options.files:
        place = space.place(_read(file))
        if options.measure == "latent":
            rows.append(place.point)
        elif options.measure == "rated":
            rows.append(place.point[: space.head_dims])
        else:
            level = (place.level / place.level.max())[:, None]
            frames = place.trajectory[:, space.head_dims :] if options.measure == "trajectory" else None
            loudness = np.square(place.features.spectra) ** 0.15
            rows.append((loudness * level if frames is None else frames * level**0.3).ravel())
    found = pairwise(np.stack(rows))
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["", *options.files])
    for file, row in zip(options.files, found):
        writer.writerow([file, *(f"{value:.4f}" for value in row)])


def _place(options: argparse.Namespace) -> None:
    from lib.descriptors import note_name
    from lib.timbre import load_space
    from lib.timbre.navigate import view

    space = load_space(options.space)
    flat = None
    if space.atlas is not None:
        flat = view(space.atlas.points[space.atlas.heard], 2, labels=space.atlas.instrument[space.atlas.heard].tolist())
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["file", "f0_hz", "pitch", "x", "y", "most_like", "likeness", "nearest_note"])
    for file in options.files:
        place = space.place(_read(file))
        x, y = flat.project(place.point) if flat is not None else ("", "")
        like = max(place.likeness, key=lambda name: place.likeness[name]) if place.likeness else ""
        share = f"{place.likeness[like]:.2f}" if like else ""
        near = str(space.atlas.file[space.atlas.nearest(place.point, 1)[0]]) if space.atlas is not None else ""
        numbers = [f"{v:.3f}" if v != "" else "" for v in (x, y)]
        writer.writerow([file, f"{place.f0_hz:.1f}", note_name(place.f0_hz), *numbers, like, share, near])


def _resynthesize(options: argparse.Namespace) -> None:
    from lib.timbre import load_space, synthesize
    from lib.timbre.space import hz_to_midi

    space, audio = load_space(options.space), _read(options.source)
    if options.griffin_lim:
        place = space.place(audio)
        decoded = space.decode(place.trajectory, float(hz_to_midi(place.f0_hz)))
        how = synthesize.of_sound(audio, place.f0_hz)
        sound = synthesize.through_griffin_lim(space, decoded, how, times_s=place.times_s)
    else:
        sound = synthesize.resynthesise(space, audio)
    _write(options.out, sound)


def _morph(options: argparse.Namespace) -> None:
    from lib.timbre import load_space, navigate, synthesize
    from lib.timbre.features import LONGEST_S

    if not 0.1 <= options.seconds <= LONGEST_S:
        raise BookError(f"A morph lasts 0.1 to {LONGEST_S:.0f} s, not {options.seconds}.")
    space = load_space(options.space)
    a, b = (space.place(_read(file)) for file in (options.a, options.b))
    if options.kind == "expressive":
        path = navigate.expressive(a.trajectory, b.trajectory, 24)
    else:
        path = navigate.between(a.point, b.point, 24, kind=options.kind)
    how = synthesize.plain(a.f0_hz, options.seconds)
    bend = np.linspace(0.0, 1.0, len(how.level))
    how = synthesize.Performance(a.f0_hz ** (1 - bend) * b.f0_hz**bend, how.level)
    _write(options.out, synthesize.play(space, path, how))


def _describe(options: argparse.Namespace) -> None:
    from lib.descriptors import describe, in_words
    from lib.timbre import load_space
    from lib.timbre.note_features import SAMPLE_RATE

    space = load_space(options.space)
    for file in options.files:
        audio = _read(file)
        place = space.place(audio)
        print(f"{file}: {in_words(audio, SAMPLE_RATE, place.f0_hz)}")
        for name, value in describe(audio, SAMPLE_RATE, place.f0_hz).items():
            print(f"  {name:24s} {'-' if value is None else f'{value:.4g}'}")
        for name, share in sorted(place.likeness.items(), key=lambda item: -item[1])[:3]:
            print(f"  like {name:19s} {share:.2f}")


def _read(file: str) -> np.ndarray:
    """Read a sound; whatever is wrong with it is told with the file's name."""
    from lib import corpus
    from lib.timbre.features import check_audio

    try:
        return check_audio(corpus.load(file))
    except BookError as error:
        raise BookError(str(error) if file in str(error) else f"{file}: {error}") from error


def _write(file: str, sound: np.ndarray) -> None:
    import soundfile

    from lib.timbre.note_features import SAMPLE_RATE

    if Path(file).suffix.lower() not in (".wav", ".flac"):
        raise BookError(f"{file}: sounds are written as .wav or .flac.")
    try:
        soundfile.write(file, np.clip(sound, -1.0, 1.0), SAMPLE_RATE, subtype="PCM_16")
    except (OSError, RuntimeError) as error:
        raise BookError(f"{file} cannot be written: {error}") from error


if __name__ == "__main__":
    sys.exit(main())
