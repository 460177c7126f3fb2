"""`visionseek search IMAGE`: one question to the running API, the hits as a table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import httpx
from rich.markup import escape
from rich.table import Table

from search.address import api_url
from visionseek.errors import DeadlineExceeded, ImageTooLarge, InputError, NotFound, Overloaded, Unavailable
from visionseek.output import console, emit_json, json_option
from visionseek.settings import Settings, load_settings
from visionseek.vocabulary import Region

# Above the API's own deadline, so that its answer about being late arrives.
_GRACE_S = 10.0


@click.command("search")
@click.argument("image", type=click.Path(path_type=Path))
@click.option("--region", metavar="L,T,R,B", help="The box to search, in fractions of width and height.")
@click.option("-k", "k", default=10, show_default=True, type=click.IntRange(1), help="Products to show.")
@click.option("--url", help="Base URL of the API; default: the one that `visionseek up` started.")
@json_option
def search(image: Path, region: str | None, k: int, url: str | None, as_json: bool) -> None:
    """Search the catalog with a picture, through the running API."""
    settings = load_settings()
    box = parse_region(region) if region else None
    picture = _read(image, settings)
    answer = ask(api_url(settings, url), picture, k=k, region=box, settings=settings)
    console.print(hits_table(answer))
    if as_json:
        emit_json(answer)


def parse_region(text: str) -> Region:
    """`left,top,right,bottom` in fractions as a region.

    Raises:
        InputError: not four numbers, or no box inside the picture.
    """
    try:
        left, top, right, bottom = (float(part) for part in text.split(","))
        return Region(left, top, right, bottom)
    except ValueError as error:
        raise InputError(
            f"--region {text!r} is no box ({error})",
            mend="give left,top,right,bottom in fractions, such as 0.1,0.2,0.6,0.9",
        ) from error


def ask(url: str, picture: bytes, *, k: int, region: Region | None, settings: Settings) -> dict[str, Any]:
    """POST the picture to `/v1/search`; the answer's JSON.

    Raises:
        InputError: the API refused the picture or the question.
        Unavailable: it does not answer, or says that it cannot.
    """
    params: dict[str, str] = {"k": str(k)}
    if region is not None:
        params["region"] = f"{region.left},{region.top},{region.right},{region.bottom}"
    try:
        response = httpx.post(
            f"{url}/v1/search",
            content=picture,
            params=params,
            headers={"Content-Type": "application/octet-stream"},
            timeout=settings.query_deadline_ms / 1000 + _GRACE_S,
        )
    except httpx.TimeoutException as error:
        raise DeadlineExceeded("the API gave no answer in time", where=url) from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Unavailable(f"the API does not answer ({error})", where=url, mend="visionseek up") from error
    if response.status_code != httpx.codes.OK:
        raise _refusal(response, url)
    try:
        answer: dict[str, Any] = response.json()
        answer["hits"] = list(answer["hits"])
    except (ValueError, KeyError, TypeError) as error:
        raise Unavailable("this is not the API of VisionSeek", where=url, mend="check --url") from error
    return answer


def _read(image: Path, settings: Settings) -> bytes:
    try:
        if image.stat().st_size > settings.max_image_bytes:
            raise ImageTooLarge(
                f"{image.stat().st_size:,} bytes; at most {settings.max_image_bytes:,} are taken",
                where=str(image),
            )
        return image.read_bytes()
    except FileNotFoundError as error:
        raise NotFound("no such picture", where=str(image)) from error
    except OSError as error:
        raise InputError(f"not a readable file ({error.strerror})", where=str(image)) from error


def _refusal(response: httpx.Response, url: str) -> InputError | Unavailable:
    try:
        problem = response.json()
        text = str(problem.get("detail") or problem.get("title") or response.reason_phrase)
    except (ValueError, AttributeError):
        text = response.reason_phrase
    what = f"the API answered {response.status_code}: {text}"
    match response.status_code:
        case 413:
            return ImageTooLarge(what, where=url)
        case 429:
            return Overloaded(what, where=url, mend="try again in a moment")
        case code if code >= 500:
            return Unavailable(what, where=url, mend="visionseek status")
        case _:
            return InputError(what, where=url)


def hits_table(answer: dict[str, Any]) -> Table:
    """The hits of an answer of `/v1/search`, one row each, with the stages below."""
    coverage = answer.get("coverage", {})
    timings = ", ".join(f"{name} {ms:.0f} ms" for name, ms in answer.get("timings", {}).items())
    table = Table(
        "", "score", "product", "title", "category", "price",
        caption=f"{timings}; {coverage.get('answered', '?')} of {coverage.get('shards', '?')} shards; "
        f"generation {answer.get('generation', '?')}",
    )  # fmt: skip
    for hit in answer["hits"]:
        price = "" if hit.get("price") is None else f"{float(hit['price']):,.2f} {hit.get('currency') or ''}"
        table.add_row(
            str(hit.get("rank", "")),
            f"{hit['score']:.3f}",
            escape(str(hit["product_id"])),
            escape(str(hit.get("title", ""))),
            escape(str(hit.get("category") or "")),
            price.strip(),
        )
    return table
