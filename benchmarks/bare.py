"""The yardstick: a Flask view that does nothing, under the very server settings of `lms serve`."""

import sys
from typing import Any

from flask import Flask

from lms.cli import environment, serving

_ANSWER = b'{"ok":true,"id":"3fa85f64-5717-4562-b3fc-2c963f66afa6","progress":0.5}'


def create_app() -> Flask:
    """An app with one view and nothing around it."""
    app = Flask("bare", static_folder=None)

    @app.get("/")
    def bare() -> tuple[bytes, dict[str, str]]:
        return _ANSWER, {"Content-Type": "application/json"}

    return app


def main(port: int) -> None:
    """Serve it as `lms serve` would. Only the application's name is another."""
    granian = serving.Granian  # type: ignore[attr-defined]  # imported there

    def in_place(_target: str, **options: Any) -> Any:
        return granian("benchmarks.bare:create_app", **options)

    serving.Granian = in_place  # type: ignore[attr-defined,assignment]  # so no copy of its settings goes stale
    environment.prepare()
    serving._serve(environment.settings(), "127.0.0.1", port)  # noqa: SLF001


if __name__ == "__main__":
    main(int(sys.argv[1]))
