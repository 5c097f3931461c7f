"""`lms verify NUMBER`: does a certificate still follow from its statements?"""

from typing import Any

import click

from lms.credentials import service
from lms.learning import proof
from lms.learning.commands import show_clause


@click.command("verify")
@click.argument("number")
@click.pass_obj
def verify_number(state: Any, number: str) -> None:
    """Replay the completion behind certificate NUMBER from its statements; exit 1 if it fails."""
    with state.db.reading() as session:
        found = service.by_number(session, number)
        if not found:
            raise click.ClickException(
                f"{number}: 이 번호의 이수증이 없습니다. 번호를 다시 확인하십시오."
            )
        holds = True
        for certificate in found:
            replay = proof.replay(session, certificate.completion)
            holds = holds and replay.holds
            click.echo(f"{certificate.number}  ·  {certificate.issued_at:%Y-%m-%d %H:%M:%S} UTC")
            if certificate.revoked_at is not None:
                click.echo(
                    f"  취소됨: {certificate.revoked_at:%Y-%m-%d} ({certificate.revoked_class})"
                )
            show_clause(replay.verdict.clause, depth=1)
            click.echo(f"  저장된 증명값 {replay.stored_proof}")
            click.echo(f"  다시 센 증명값 {replay.replayed_proof}")
            for gone in replay.missing:
                click.echo(f"  없어졌거나 무효가 된 기록: {gone}")
            click.echo("  같습니다." if replay.holds else "  다릅니다. 담당자가 살펴야 합니다.")
    if not holds:
        raise SystemExit(1)
