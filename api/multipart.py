"""A multipart/form-data body read as it arrives: a few pictures, a few short fields, nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

from api.problems import IMAGE_TOO_LARGE, INVALID_INPUT, MALFORMED, Problem

MAX_FIELDS = 32
MAX_FIELD_BYTES = 65_536


@dataclass(slots=True)
class Form:
    """What a form held: its pictures and (name, text), each in order."""

    pictures: list[bytes] = field(default_factory=list)
    fields: list[tuple[str, str]] = field(default_factory=list)


async def read_form(
    chunks: AsyncIterator[bytes], content_type: str, max_picture_bytes: int, *, max_files: int = 1
) -> Form:
    """Read a form. Pictures are the parts that are files, whatever their names.

    Raises:
        Problem: no boundary, not multipart, too many or too long fields, too many files, a file too large.
    """
    _, options = parse_options_header(content_type)
    boundary = options.get(b"boundary")
    if not boundary:
        raise Problem(
            MALFORMED,
            "the Content-Type multipart/form-data has no boundary",
            mend="leave the header to your HTTP client, which knows the boundary",
        )
    reader = _Reader(max_picture_bytes, max_files)
    try:
        parser = MultipartParser(boundary, reader.callbacks())
        async for chunk in chunks:
            parser.write(chunk)
        parser.finalize()
    except FormParserError as error:
        raise Problem(MALFORMED, f"the body is no multipart form: {error}") from error
    if not reader.ended:
        raise Problem(MALFORMED, "the multipart form ends before its closing boundary")
    return reader.form


class _Reader:
    """Collects parts from the parser's callbacks."""

    def __init__(self, max_picture_bytes: int, max_files: int) -> None:
        self.form = Form()
        self.ended = False
        self._max = max_picture_bytes
        self._max_files = max_files
        self._parts = 0
        self._header = [b"", b""]
        self._headers: dict[bytes, bytes] = {}
        self._name = ""
        self._named_file = False
        self._is_file = False
        self._pieces: list[bytes] = []
        self._size = 0

    def callbacks(self) -> MultipartCallbacks:
        return {
            "on_part_begin": self._begin,
            "on_header_field": lambda data, start, end: self._grow_header(0, data[start:end]),
            "on_header_value": lambda data, start, end: self._grow_header(1, data[start:end]),
            "on_header_end": self._end_header,
            "on_headers_finished": self._end_headers,
            "on_part_data": self._data,
            "on_part_end": self._end,
            "on_end": self._end_form,
        }

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > MAX_FIELDS:
            raise Problem(
                INVALID_INPUT, f"the form has more than {MAX_FIELDS} parts", limit={"max_fields": MAX_FIELDS}
            )
        self._headers = {}
        self._pieces, self._size = [], 0

    def _grow_header(self, which: int, data: bytes) -> None:
        self._header[which] += data

    def _end_header(self) -> None:
        self._headers[self._header[0].lower()] = self._header[1]
        self._header = [b"", b""]

    def _end_headers(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition"))
        self._name = options.get(b"name", b"").decode("utf-8", "replace")
        self._named_file = bool(options.get(b"filename"))
        kind = self._headers.get(b"content-type", b"").lower()
        self._is_file = b"filename" in options or kind.startswith((b"image/", b"application/octet-stream"))

    def _data(self, data: bytes, start: int, end: int) -> None:
        self._size += end - start
        if self._is_file and self._size > self._max:
            raise picture_too_large(self._max)
        if not self._is_file and self._size > MAX_FIELD_BYTES:
            raise Problem(
                INVALID_INPUT,
                f"field `{self._name[:64]}` is longer than {MAX_FIELD_BYTES:,} bytes",
                limit={"max_field_bytes": MAX_FIELD_BYTES},
            )
        self._pieces.append(data[start:end])

    def _end(self) -> None:
        body = b"".join(self._pieces)
        self._pieces = []
        if not self._is_file:
            self.form.fields.append((self._name, body.decode("utf-8", "replace")))
        elif body or self._named_file:  # a browser sends an empty, nameless part for a file not chosen
            if len(self.form.pictures) == self._max_files:
                raise Problem(
                    INVALID_INPUT,
                    f"the form has more than {self._max_files} file{'s' if self._max_files > 1 else ''}",
                    limit={"max_files": self._max_files},
                )
            self.form.pictures.append(body)

    def _end_form(self) -> None:
        self.ended = True


def picture_too_large(max_bytes: int) -> Problem:
    """The problem of a picture that passes its limit while it arrives."""
    return Problem(
        IMAGE_TOO_LARGE,
        f"the picture is larger than the limit of {max_bytes:,} bytes (max_image_bytes)",
        mend="send a smaller picture; 1,000 pixels a side are plenty",
        limit={"max_image_bytes": max_bytes},
    )
