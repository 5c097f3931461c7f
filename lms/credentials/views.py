"""My record, the certificate and its paper, and the public page that says whether it holds."""

from datetime import date
from typing import Any

import msgspec
from flask import Response, redirect, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from lms import clock
from lms.credentials import qr, service
from lms.credentials.models import Certificate
from lms.credentials.paper import PaperError
from lms.credentials.paper import render as print_paper
from lms.credentials.permissions import OWN_RECORD, REVOKE, SEE, VERIFY
from lms.db import session_on
from lms.edge import Blueprint, now, person, render, sealer, session, state, words_here
from lms.edge.rendering import url
from lms.errors import InvalidError, NotFoundError
from lms.files.models import StoredFile
from lms.files.service import register
from lms.learning import pages, proof, terms
from lms.learning.evaluate import Clause
from lms.learning.models import Completion
from lms.people.models import Institution

blueprint = Blueprint("credentials", __name__)


@blueprint.get("/record", permission=OWN_RECORD, scope="institution")
def record() -> ResponseReturnValue:
    me = person()
    rows = service.of_person(session(), me.person_id)
    year = clock.local_day(now(), me.zone).year
    lines = [_line(row, me.zone) for row in rows]
    this_year = [line for line in lines if line["year"] == year]
    totals: dict[str, int] = {}
    for line in this_year:
        totals[line["kind"]] = totals.get(line["kind"], 0) + line["minutes"]
    return render(
        "lms/credentials/record.html",
        lines=lines,
        year=year,
        minutes=sum(line["minutes"] for line in this_year),
        credits=sum(line["credits"] for line in this_year),
        totals=sorted(totals.items(), key=lambda item: -item[1]),
        count=len(this_year),
    )


@blueprint.get(
    "/completions/<int:id>/certificate", permission=OWN_RECORD, scope="institution", on=Completion
)
def of_completion(completion: Completion) -> ResponseReturnValue:
    found = session().scalar(select(Certificate).filter_by(completion_id=completion.id))
    if found is None or found.person_id != person().person_id:
        raise NotFoundError("찾는 이수증이 없습니다. 내 기록에서 다시 골라 주십시오.")
    return redirect(url("credentials.certificate", id=found.id))


@blueprint.get("/certificates/<int:id>", permission=SEE, scope="institution", on=Certificate)
def certificate(certificate: Certificate) -> ResponseReturnValue:
    completion = certificate.completion
    clause = msgspec.convert(completion.verdict, Clause)
    return render(
        "lms/credentials/certificate.html",
        certificate=certificate,
        paper=_preview(certificate),
        completion=completion,
        course=completion.enrolment.run.course,
        tree=pages.explain_tree(clause, words_here()),
        evidence=proof.evidence(clause),
        verify_url=_verify_url(certificate),
    )


@blueprint.get(
    "/certificates/<int:id>/paper.pdf", permission=SEE, scope="institution", on=Certificate
)
def paper(certificate: Certificate) -> ResponseReturnValue:
    """The PDF; printed once and kept, so that a reprint is the same bytes."""
    pdf = _kept_paper(certificate)
    answer = Response(pdf, mimetype="application/pdf")
    answer.headers["Content-Disposition"] = f'inline; filename="{_file_name(certificate)}"'
    return answer


@blueprint.get("/certificates/<int:id>/qr.svg", permission=SEE, scope="institution", on=Certificate)
def qr_code(certificate: Certificate) -> ResponseReturnValue:
    return Response(qr.svg(_verify_url(certificate)), mimetype="image/svg+xml")


@blueprint.post(
    "/certificates/<int:id>/revoke", permission=REVOKE, scope="institution", on=Certificate
)
def revoke(certificate: Certificate) -> ResponseReturnValue:
    service.revoke(
        session(),
        certificate,
        actor_id=person().person_id,
        revoke_class=request.form.get("class", ""),
        reason=request.form.get("reason", ""),
        now=now(),
    )
    return redirect(url("credentials.verify", code=certificate.code), 303)


@blueprint.get("/verify", permission=VERIFY, scope="public")
def verify_form() -> ResponseReturnValue:
    code = request.args.get("code", "").strip()
    if code:
        return redirect(url("credentials.verify", code=code.rsplit("/", 1)[-1][:80]))
    return render("lms/credentials/verify.html", state="ask", code="")


@blueprint.get("/verify/<code>", permission=VERIFY, scope="public")
def verify(code: str) -> ResponseReturnValue:
    """Valid, revoked or unknown, and nothing else that is personal."""
    found = session().scalar(select(Certificate).filter_by(code=code))
    if found is None:
        page = render("lms/credentials/verify.html", state="unknown", code=code)
        return Response(page, 404, mimetype="text/html")
    institution = session().get_one(Institution, found.institution_id)
    return render(
        "lms/credentials/verify.html",
        state="revoked" if found.revoked_at else "valid",
        code=code,
        number=found.number,
        institution=institution.name,
        issued_on=date.fromisoformat(found.payload["issued_on"]),
        revoked_on=clock.local_day(found.revoked_at, institution.zone)
        if found.revoked_at
        else None,
        revoked_class=found.revoked_class,
    )


def _line(row: Any, zone: str) -> dict[str, Any]:
    certificate, completion, course, run, time = row
    return {
        "certificate": certificate,
        "course": course,
        "run": run,
        "kind": course.training_kind,
        "kind_name": terms.KINDS[course.training_kind],
        "mode_name": terms.MODES[course.delivery_mode],
        "year": clock.local_day(completion.at, zone).year,
        "minutes": time.minutes if time else 0,
        "credits": time.credits if time else 0,
        "review": completion.review,
    }


def _verify_url(certificate: Certificate) -> str:
    path = url("credentials.verify", code=certificate.code)
    return f"{state().settings.base_url.rstrip('/')}{path}"


def _preview(certificate: Certificate) -> dict[str, Any]:
    """The payload for the page, the birth date masked to its year and month."""
    born = _birth_date(certificate)
    payload = dict(certificate.payload)
    payload["birth_date_masked"] = f"{born[:4]}. {int(born[5:7])}. **." if born else "—"
    payload["from"] = date.fromisoformat(payload["period_from"])
    payload["until"] = date.fromisoformat(payload["period_until"])
    payload["issued"] = date.fromisoformat(payload["issued_on"])
    payload["days"] = (payload["until"] - payload["from"]).days + 1
    return payload


def _birth_date(certificate: Certificate) -> str | None:
    sealed = certificate.payload.get("birth_date_sealed")
    return sealer().open(sealed) if sealed else None


def _kept_paper(certificate: Certificate) -> bytes:
    here = state()
    if certificate.paper_id is not None:
        kept = session().get_one(StoredFile, certificate.paper_id)
        return here.storage.path(kept.sha256).read_bytes()
    pdf = _printed(certificate)
    # Taken here: the writer's thread has no request to ask.
    at = now()
    sha256, size = here.storage.put(pdf)
    certificate_id, institution_id, name = (
        certificate.id,
        certificate.institution_id,
        _file_name(certificate),
    )

    def keep(connection: Any) -> str:
        with session_on(connection) as own:
            row = own.get_one(Certificate, certificate_id, with_for_update=True)
            if row.paper_id is None:
                row.paper_id = register(
                    own,
                    institution_id,
                    sha256=sha256,
                    size=size,
                    name=name,
                    media_type="application/pdf",
                    now=at,
                ).id
                return sha256
            return own.get_one(StoredFile, row.paper_id).sha256

    return here.storage.path(here.db.writer.do(keep)).read_bytes()


def _printed(certificate: Certificate) -> bytes:
    born = _birth_date(certificate)
    if born is None:
        raise InvalidError(
            "생년월일이 등록되지 않아 이수증을 인쇄할 수 없습니다. "
            "소속 기관 담당자에게 알려 주십시오."
        )
    payload = service.paper_payload(
        certificate, birth_date=born, verify_url=_verify_url(certificate)
    )
    try:
        return print_paper(payload)
    except PaperError as error:
        raise InvalidError(str(error)) from error


def _file_name(certificate: Certificate) -> str:
    return f"certificate-{certificate.code}.pdf"
