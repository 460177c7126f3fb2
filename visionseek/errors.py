"""Every error that VisionSeek raises on purpose.

VisionSeekError
├── SettingsError             a setting, variable or configuration file is wrong
├── InputError                what the caller handed in is wrong                 (4xx)
│   ├── ImageRejected         the bytes are no usable picture                    (422)
│   │   ├── ImageTooLarge     bytes, pixels or frames above a limit              (413)
│   │   └── UnsupportedImage  not a picture, or a format that is not read        (415)
│   ├── FeedError             a feed cannot be read at all
│   ├── FetchRefused          a link that must not be followed
│   └── NotFound              no such product, generation, file                  (404)
├── ArtifactError             a file that VisionSeek wrote is missing or damaged
│   ├── ManifestError         a manifest is missing, unreadable or disagrees with its files
│   ├── CheckpointError       a model checkpoint cannot be loaded
│   └── FingerprintMismatch   index and encoder do not belong together
└── Unavailable               a service does not answer                          (503)
    ├── DeadlineExceeded      it did not answer in time                          (504)
    ├── Overloaded            refused at once, nothing queued                    (429)
    ├── NotPublished          no generation of the index serves yet
    ├── ModelNotServed        Triton answers, but not with this model or version
    └── StackError            the local stack cannot start or stop
"""

from __future__ import annotations


class VisionSeekError(Exception):
    """Base of the tree: what was wrong, where, and the mend.

    Args:
        what: one sentence that names the thing that was wrong, with its value.
        where: the file, line, field or address it was found at.
        mend: what the reader can do about it; a command where there is one.
    """

    def __init__(self, what: str, *, where: str | None = None, mend: str | None = None) -> None:
        super().__init__(what, where, mend)
        self.what = what
        self.where = where
        self.mend = mend

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text}\n  mend: {self.mend}" if self.mend else text


class SettingsError(VisionSeekError):
    """A setting, environment variable or configuration file is wrong."""


class InputError(VisionSeekError):
    """What the caller handed in is wrong."""


class ImageRejected(InputError):
    """The bytes are no usable picture."""


class ImageTooLarge(ImageRejected):
    """The picture is above a limit of bytes, pixels or frames; the message names the limit."""


class UnsupportedImage(ImageRejected):
    """The bytes are not a picture, or of a format that is not read."""


class FeedError(InputError):
    """A feed cannot be read at all; single bad rows are rejects, not errors."""


class FetchRefused(InputError):
    """A link that must not be followed."""


class NotFound(InputError):
    """No such product, generation or file."""


class ArtifactError(VisionSeekError):
    """A file that VisionSeek wrote is missing or damaged."""


class ManifestError(ArtifactError):
    """A manifest is missing, unreadable or disagrees with the files beside it."""


class CheckpointError(ArtifactError):
    """A model checkpoint cannot be loaded."""


class FingerprintMismatch(ArtifactError):
    """Index and encoder do not belong together."""


class Unavailable(VisionSeekError):
    """A service does not answer."""


class DeadlineExceeded(Unavailable):
    """A service did not answer in time."""


class Overloaded(Unavailable):
    """Refused at once because the service is full; nothing was queued."""


class NotPublished(Unavailable):
    """No generation of the index serves yet."""


class ModelNotServed(Unavailable):
    """Triton answers, but serves no such model or version."""


class StackError(Unavailable):
    """The local stack cannot start or stop."""
