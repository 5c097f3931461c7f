"""Jinja as our pages need it: what is the same for everybody is worked out when it is compiled.

A page is mostly sentences, icons and calls of small macros. As Jinja comes, each of these is asked
for again at every request, and asked carefully: whether a function wants the template's context,
whether a value is a mapping. The templates of this product are our own and our plugins'; here is
what they need of it. What they write and what they mean stays as Jinja documents it.
"""

from collections import ChainMap
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame, MacroRef
from jinja2.runtime import Macro
from jinja2.utils import missing
from jinja2.visitor import NodeTransformer
from markupsafe import (  # type: ignore[attr-defined]  # _escape_inner: what escape() asks itself
    Markup,
    _escape_inner,
    escape,
)


class _Macro(Macro):
    def __call__(self, *args: Any, **kwargs: Any) -> Markup:
        """What the macro makes. Raises TypeError for an argument that it does not have."""
        given = [*args, *(kwargs.pop(name, missing) for name in self.arguments[len(args) :])]
        if len(given) > self._argument_count:
            raise TypeError(f"macro {self.name!r} takes no more than {self.arguments}")
        if self.caller and not self.explicit_caller:
            given.append(kwargs.pop("caller", None) or self._environment.undefined(name="caller"))
        if kwargs:
            raise TypeError(f"macro {self.name!r} takes no {', '.join(kwargs)}")
        return Markup(self._func(*given))  # noqa: S704  all that a template writes is escaped


class _Generator(CodeGenerator):
    """A call is a call: no function or macro of ours asks for the template's context."""

    def visit_Call(  # noqa: N802  the visitor's naming
        self, node: nodes.Call, frame: Frame, forward_caller: bool = False
    ) -> None:
        self.visit(node.node, frame)
        self.write("(")
        for one in [*node.args, *node.kwargs]:
            self.visit(one, frame)
            self.write(", ")
        if node.dyn_args is not None:
            self.write("*")
            self.visit(node.dyn_args, frame)
            self.write(", ")
        if node.dyn_kwargs is not None:
            self.write("**")
            self.visit(node.dyn_kwargs, frame)
            self.write(", ")
        self.write("caller=caller)" if forward_caller else ")")

    def macro_def(self, macro_ref: MacroRef, frame: Frame) -> None:
        if macro_ref.accesses_kwargs or macro_ref.accesses_varargs:
            super().macro_def(macro_ref, frame)
            return
        names = [one.name for one in macro_ref.node.args]
        name = getattr(macro_ref.node, "name", "caller")
        self.write(f"environment.macro(macro, {name!r}, {names!r}, {macro_ref.accesses_caller!r})")

    def _output_child_pre(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        self.write("environment.written(")


class FoldingEnvironment(jinja2.Environment):
    """`constant`: functions by name that give the same for the same arguments.

    A call of one with nothing but constants becomes what it gives: so a sentence without a value in
    it, an icon or the address of a stylesheet stands in the compiled template as text, joined with
    the mark-up around it. These names mean the same in every template, and none may be given to
    anything else. Everything is escaped: a template cannot turn that off.
    """

    code_generator_class = _Generator

    def __init__(self, constant: Mapping[str, Callable[..., Any]], **options: Any) -> None:
        super().__init__(**options, autoescape=True)
        self.constant = constant
        self.globals.update(constant)
        self._made: dict[str, jinja2.Template] = {}

    def get_template(
        self,
        name: str | jinja2.Template,
        parent: str | None = None,
        globals: MutableMapping[str, Any] | None = None,  # noqa: A002  Jinja's name
    ) -> jinja2.Template:
        """As Jinja has it, without asking whether the file has changed since."""
        if not isinstance(name, str) or globals:
            return super().get_template(name, parent, globals)
        if name not in self._made:
            self._made[name] = super().get_template(name, parent)
        return self._made[name]

    @staticmethod
    def written(value: Any) -> str:
        """The value as it stands in the page: Markup as it is, all else escaped."""
        if type(value) is Markup:
            return value
        if type(value) is str:
            # escape() would make a Markup of the answer, at ten times the cost.
            escaped: str = _escape_inner(value)
            return escaped
        return escape(value)

    def macro(
        self, made: Callable[..., str], name: str, arguments: list[str], caller: bool
    ) -> _Macro:
        """A macro, or what stands between `call` and `endcall`."""
        return _Macro(self, made, name, arguments, False, False, caller, True)

    def getattr(self, obj: Any, attribute: str) -> Any:
        """As Jinja has it, but a dictionary is asked for the key first."""
        if type(obj) is dict and attribute in obj:
            return obj[attribute]
        try:
            return getattr(obj, attribute)
        except AttributeError:
            return super().getattr(obj, attribute)

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """As Jinja has it, without an empty layer for a template that has no globals of its own."""
        return self.globals if d is None else ChainMap(d, self.globals)

    def _generate(
        self,
        source: nodes.Template,
        name: str | None,
        filename: str | None,
        defer_init: bool = False,
    ) -> str:
        _Folder(self.constant).visit(source)
        return super()._generate(source, name, filename, defer_init)


class _Folder(NodeTransformer):
    def __init__(self, constant: Mapping[str, Callable[..., Any]]) -> None:
        self.constant = constant

    def visit_Call(self, node: nodes.Call) -> nodes.Expr:  # noqa: N802  the visitor's naming
        self.generic_visit(node)
        called = self.constant.get(node.node.name) if isinstance(node.node, nodes.Name) else None
        if called is None or node.dyn_args or node.dyn_kwargs:
            return node
        try:
            given = [one.as_const() for one in node.args]
            named = {one.key: one.value.as_const() for one in node.kwargs}
        except nodes.Impossible:
            return node
        value = called(*given, **named)
        return nodes.Const(value, lineno=node.lineno, environment=node.environment)
