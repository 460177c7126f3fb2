"""Shoppers: one has a photograph, one a screenshot, one looks around."""

from __future__ import annotations

import json
from typing import Any, ClassVar
from urllib.parse import quote

from locust import HttpUser, constant_throughput, task
from locust.clients import ResponseContextManager

from loadtests.queries import Query
from loadtests.session import Session

_DEADLINE_S = 10


class Shopper(HttpUser):
    """Makes a request a second, whether answers are fast or slow, as long as they take less than that.

    Attributes:
        session: set before the first user is made.
    """

    abstract = True
    session: ClassVar[Session]
    wait_time = constant_throughput(1)

    def on_start(self) -> None:
        """Proxies of the environment could lead to another host."""
        self.client.trust_env = False

    def ask(self, method: str, path: str, name: str, **more: Any) -> Any:
        """Send one request under the name of its objective.

        Returns:
            The parsed answer, the bytes of an image, or None where it failed.
        """
        # Redirects are failures: one could lead to another host.
        with self.client.request(
            method, path, name=name, catch_response=True, allow_redirects=False, timeout=_DEADLINE_S, **more
        ) as response:
            if response.status_code != 200:
                response.failure(f"{response.status_code} {response.text[:200]}")
                return None
            self.session.stages.add(response.headers.get("Server-Timing", ""))
            return response.content if name == "image" else _parsed(response)

    def search(self, name: str, query: Query) -> None:
        """Search with a picture and remember what was found."""
        picture = ("query.jpg", query.content, query.media_type)
        answer = self.ask("POST", "/v1/search", name, files={"image": picture}, data={"k": "12"})
        if answer is not None:
            self.session.remember(answer["hits"])


class PhotoShopper(Shopper):
    """Has a picture as it stands in the catalog."""

    weight = 3

    @task
    def photo(self) -> None:
        """Search with it."""
        self.search("photo", self.session.dice.choice(self.session.photos))


class ScreenshotShopper(Shopper):
    """Has a page of some shop, bars and all."""

    weight = 3

    @task
    def screenshot(self) -> None:
        """Search with it."""
        self.search("screenshot", self.session.dice.choice(self.session.screenshots))


class Browser(Shopper):
    """Has no picture: opens a product that some search found, its image, and what is similar to it."""

    weight = 2

    @task
    def browse(self) -> None:
        """One product's page; three requests."""
        if not self.session.hits:
            return  # nobody found anything yet
        hit = self.session.dice.choice(self.session.hits)
        path = f"/v1/products/{quote(hit['product_id'], safe='')}"
        if self.ask("GET", path, "product") is not None:
            self.ask("GET", hit["image"]["url"], "image", params={"size": 256})
            self.ask("GET", f"{path}/similar", "similar", params={"k": 12})


def _parsed(response: ResponseContextManager) -> Any:
    """The answer as JSON; one without hits or with part of the catalog is a failure."""
    try:
        answer = response.json()
        coverage = answer.get("coverage")
        if "hits" in answer and not answer["hits"]:
            response.failure("no hits")
        elif coverage and coverage["answered"] < coverage["shards"]:
            response.failure(f"partial answer: {json.dumps(coverage)}")
        else:
            return answer
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        response.failure(f"not an answer: {error!r}")
    return None
