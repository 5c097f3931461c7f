"""The command line: `lms up`, `serve`, `scheduler`, `migrate`, `check`, and what plugins give."""

from typing import Any

import click

from lms.cli import environment
from lms.cli.archive import backup, restore
from lms.cli.institute import demo
from lms.cli.serving import scheduler, serve, up
from lms.cli.upkeep import check, migrate, outbox
from lms.config import SettingError
from lms.errors import LMSError


class Commands(click.Group):
    """Our own commands, and those of every room and plugin by hook."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *_given()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return super().get_command(ctx, cmd_name) or _given().get(cmd_name)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (LMSError, SettingError) as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.pass_context
def main(ctx: click.Context) -> None:
    """Ieum: a learning management system for institutes that train teachers.

    Settings are read from the environment (LMS_…); see docs/settings.md.
    """
    environment.prepare()
    if ctx.invoked_subcommand not in main.commands:  # a plugin's, which works on the state
        ctx.obj = environment.state()
        ctx.call_on_close(ctx.obj.db.dispose)


def _given() -> dict[str, click.Command]:
    from lms.plugins import plugin_manager  # only a plugin's command is worth loading them all

    given = plugin_manager().hook.lms_commands()
    return {command.name: command for some in given for command in some}


for _command in (up, serve, scheduler, migrate, check, outbox, backup, restore, demo):
    main.add_command(_command)
