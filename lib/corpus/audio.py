"""Read sound: any file libsndfile knows, as one channel at the book's sample rate."""

from __future__ import annotations

import functools
import hashlib
import io
from pathlib import Path

import numpy as np
import soundfile
import soxr

from lib.errors import BookError

#: The sample rate of every sound in the book, in Hz.
SAMPLE_RATE = 22050

#: How many decoded notes stay in memory: 2 s of float32 each, about 90 MB together.
CACHED = 512

RESTORE = "Restore it with `make corpus` or `git checkout -- assets/corpus`."


def load(path: str | Path, sample_rate: int = SAMPLE_RATE) -> np.ndarray:
    """Read a sound file of your own.

    Several channels become one by their mean (so two channels in opposite phase cancel); other
    sample rates are resampled by soxr ("VHQ", linear phase). Nothing is normalised.

    Args:
        path: a file libsndfile reads: WAV, FLAC, Ogg Vorbis, MP3, AIFF and others.
        sample_rate: of the result, in Hz.

    Returns:
        float32 `[time]`, in [-1, 1] if the file was.

    Raises:
        BookError: there is no such file, it is a folder, no sound, empty, or holds NaN or infinity.

    Chapter: *STFT and DCT*.
    """
    path = Path(path)
    if sample_rate <= 0:
        raise BookError(f"A sample rate of {sample_rate} Hz is none; the book's is {SAMPLE_RATE}.")
    if path.is_dir():
        raise BookError(f"{path} is a folder; name one sound file in it.")
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise BookError(f"There is no file {path}; this program looks from {Path.cwd()}.") from None
    except OSError as error:
        raise BookError(f"{path} cannot be read: {error.strerror}.") from error
    return decode(raw, path, sample_rate)


def decode(raw: bytes, path: Path, sample_rate: int = SAMPLE_RATE) -> np.ndarray:
    """Turn the bytes of a sound file into float32 `[time]`; see `load`, whose errors it raises."""
    if not raw:
        raise BookError(f"{path} is an empty file (0 bytes).")
    try:
        channels, rate = soundfile.read(io.BytesIO(raw), dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, RuntimeError) as error:
        kinds = "WAV, FLAC, Ogg, MP3 or AIFF"
        raise BookError(f"{path} is no sound this program can read, or is damaged. Convert it to {kinds}.") from error
    if not len(channels):
        raise BookError(f"{path} is a sound file without a single sample.")
    if not np.isfinite(channels).all():
        raise BookError(f"{path} holds samples that are NaN or infinite; export it again.")
    mono = channels.mean(axis=1)
    if rate == sample_rate:
        return mono
    # soxr returns nothing for fewer input samples than one output sample needs.
    resampled = soxr.resample(mono, rate, sample_rate, quality="VHQ")
    return resampled if len(resampled) else np.zeros(1, dtype=np.float32)


@functools.lru_cache(maxsize=CACHED)
def decode_checked(path: Path, sha256: str) -> np.ndarray:
    """Read a file of the corpus, check that it is the one in the table, and keep it in memory.

    Args:
        path: the file.
        sha256: of the file's bytes, in hexadecimal; empty for "not known".

    Returns:
        float32 `[time]` at `SAMPLE_RATE`, read-only, since every caller gets the same array.

    Raises:
        BookError: the file is missing, another one, or damaged.
    """
    check(path, sha256)
    sound = load(path)
    sound.setflags(write=False)
    return sound


def check(path: Path, sha256: str) -> None:
    """Check that a file of the corpus is there and has the bytes it had when the table was made.

    Raises:
        BookError: it is missing or another one; names the file and the fix.
    """
    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        raise BookError(f"The corpus lacks {path}. {RESTORE}") from None
    if sha256 and found != sha256:
        raise BookError(f"{path} is not the file the corpus table names (another sha256). {RESTORE}")
