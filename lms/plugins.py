"""Finding plugins: our own packages by name, everybody else's by entry point."""

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pluggy

from lms import hooks

OURS = ("content", "assessments", "microlearning", "scheduler")
ROOMS = (
    "lms.web",
    "lms.partners",
    "lms.tutoring",
    "lms.classroom",
    "lms.credentials",
    "lms.learning",
    "lms.xapi",
    "lms.people",
)


def plugin_manager(*, third_parties: bool = True) -> pluggy.PluginManager:
    """Every plugin registered: the rooms of `lms`, our features, then entry points «lms»."""
    manager = pluggy.PluginManager("lms")
    manager.add_hookspecs(hooks)
    for room in ROOMS:
        manager.register(import_module(f"{room}.plugin"), name=room)
    for name in OURS:
        _check_is_ours(name)
        manager.register(import_module(f"{name}.plugin"), name=name)
    if third_parties:
        manager.load_setuptools_entrypoints("lms")
    manager.check_pending()
    return manager


def _check_is_ours(name: str) -> None:
    """A host site may well have a package called `content`. Say so, rather than import it."""
    home = Path(__file__).parent.parent
    found = find_spec(name)
    if found is None or found.origin is None or Path(found.origin).parent.parent != home:
        where = found.origin if found else "nowhere"
        raise ImportError(f"lms needs its own package {name!r} from {home}, but found {where}.")
