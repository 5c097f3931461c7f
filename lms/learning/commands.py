"""`lms explain ENROLMENT`: why a person is, or is not yet, done."""

from typing import Any

import click
from sqlalchemy import or_, select

from lms.learning import rules, service
from lms.learning.evaluate import Clause, evaluate
from lms.learning.models import Enrolment

_MARKS = {"met": "●", "part": "◐", "open": "○"}


@click.command("explain")
@click.argument("enrolment")
@click.pass_obj
def explain(state: Any, enrolment: str) -> None:
    """Show the clause tree of ENROLMENT (its id, or the registration's UUID)."""
    with state.db.reading() as session:
        by_id = [Enrolment.id == int(enrolment)] if enrolment.isdecimal() else []
        found = session.scalar(
            select(Enrolment).where(or_(Enrolment.registration == enrolment.lower(), *by_id))
        )
        if found is None:
            raise click.ClickException(f"{enrolment}: 이런 수강이 없습니다.")
        rule = rules.parse(found.run.rule)
        facts = [one for unit in service.load_units(session, found) for one in unit.activities]
        verdict = evaluate(rule, facts)
        click.echo(f"{found.run.course.title} · {found.registration}")
        show_clause(verdict.clause)
        if found.completed_at is not None:
            click.echo(f"이수: {found.completed_at:%Y-%m-%d %H:%M:%S} UTC")
        elif verdict.met:
            click.echo("모두 채웠으나 이수가 없습니다. `lms check`와 야간 재계산을 살피십시오.")
        else:
            click.echo("아직 이수가 아닙니다.")


def show_clause(clause: Clause, depth: int = 0) -> None:
    """Print a clause and those under it, one a line, with what is there and what is needed."""
    words = {
        "all": "모두",
        "progress": "진도",
        "score": "평가",
    }
    name = words.get(clause.code, clause.title)
    unit = 100 if clause.code in {"score", "scored_activity"} else 10
    amount = "" if clause.code == "all" else f"  {clause.has / unit:g} / {clause.needs / unit:g}"
    proofs = f"  (기록 {len(clause.evidence)}건)" if clause.evidence else ""
    click.echo(f"{'  ' * depth}{_MARKS[clause.state]} {name}{amount}{proofs}")
    for child in clause.children:
        show_clause(child, depth + 1)
