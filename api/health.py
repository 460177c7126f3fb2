"""GET /healthz: the process lives. GET /readyz: queries can be answered."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from api.problems import UNAVAILABLE, Problem
from api.serving import Serving, serving
from search.encoder import Encoder
from visionseek.errors import ArtifactError, FingerprintMismatch, Unavailable

router = APIRouter(tags=["operation"])

# Probes of orchestrators wait a second by default.
_PROBE_S = 0.8


class Checks(BaseModel):
    """What a query needs, each as found now."""

    triton: bool
    generation: int | None
    fingerprint_matches: bool | None
    """None where it cannot be asked."""


@router.get("/healthz", summary="The process lives")
async def healthz() -> dict[str, str]:
    """Never asks anyone else: restarting the API mends no Triton."""
    return {"status": "ok"}


@router.get("/readyz", summary="Queries can be answered")
async def readyz(app: Annotated[Serving, Depends(serving)]) -> Checks:
    """Triton answers, a generation is published, and it belongs to the encoder that Triton serves."""
    missing: list[str] = []
    mend: str | None = None
    checks = Checks(triton=False, generation=None, fingerprint_matches=None)
    checks.triton = await app.searcher.server.ready(deadline_s=_PROBE_S)
    if not checks.triton:
        missing.append("Triton does not answer")
    try:
        pointer = app.searcher.snapshot()
    except (Unavailable, ArtifactError) as error:
        missing.append("no generation is published")
        mend = error.mend
    else:
        checks.generation = pointer.generation
        if checks.triton:
            try:
                encoder = Encoder(app.searcher.server, pointer.encoder)
                await encoder.check_fingerprint(deadline_s=_PROBE_S)
                checks.fingerprint_matches = True
            except FingerprintMismatch as error:
                checks.fingerprint_matches = False
                missing.append("the generation belongs to another encoder than Triton serves")
                mend = error.mend
            except Unavailable:
                missing.append("Triton does not serve the generation's encoder")
    if missing:
        raise Problem(UNAVAILABLE, "; ".join(missing), mend=mend, more={"checks": checks.model_dump()})
    return checks
