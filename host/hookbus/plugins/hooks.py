"""The hooks of one host's plugins: checked when a plugin is registered, called one at a time."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any, Final

import pluggy

from hookbus import hookspecs
from hookbus.errors import PluginError
from hookbus.plugins.plugin import Plugin
from hookbus.settings.mistakes import suggest

_PREFIX: Final = f"{hookspecs.PROJECT_NAME}_"
_POSITIONAL: Final = (
    inspect.Parameter.POSITIONAL_ONLY,
    inspect.Parameter.POSITIONAL_OR_KEYWORD,
)


def create_manager() -> pluggy.PluginManager:
    """A plugin manager that knows the hooks and no plugin; each host has its own."""
    manager = pluggy.PluginManager(hookspecs.PROJECT_NAME)
    manager.add_hookspecs(hookspecs)
    return manager


def register(manager: pluggy.PluginManager, plugin: Plugin) -> None:
    """Check the hooks of `plugin` and register it under its name.

    Raises `PluginError` with everything that is wrong with its hooks; `manager` then does not know
    the plugin.
    """
    faults = dict(_faults(plugin))
    try:
        _try_out(plugin)
    except pluggy.PluginValidationError as error:
        if not faults:
            faults[" ".join(str(error).split())] = "See `hookbus.hookspecs`."
    if faults:
        mend = " ".join(dict.fromkeys(faults.values()))
        raise PluginError(plugin.name, "hooks", "; ".join(faults), mend)
    manager.register(plugin, name=plugin.name)


def call_hook(manager: pluggy.PluginManager, name: str, hook: str, **arguments: Any) -> Any:
    """Call `hook` of the one plugin `name`, with those of `arguments` that it asks for.

    Returns what the plugin returns, which is an awaitable where it is `async def`, or None when it
    does not implement the hook. Raises whatever the plugin raises.
    """
    for implementation in getattr(manager.hook, hook).get_hookimpls():
        if implementation.plugin_name == name:
            return _call(implementation.function, arguments)
    return None


def implements(manager: pluggy.PluginManager, name: str, hook: str) -> bool:
    """Whether the plugin `name` implements `hook`."""
    implementations = getattr(manager.hook, hook).get_hookimpls()
    return any(implementation.plugin_name == name for implementation in implementations)


def _call(function: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    parameters = inspect.signature(function).parameters.values()
    wanted = [parameter for parameter in parameters if parameter.name in arguments]
    positional = [arguments[each.name] for each in wanted if each.kind in _POSITIONAL]
    named = {each.name: arguments[each.name] for each in wanted if each.kind not in _POSITIONAL}
    return function(*positional, **named)


def _try_out(plugin: Plugin) -> None:
    """Let pluggy validate the plugin in a manager of its own, so that a failure leaves no trace."""
    trial = create_manager()
    trial.register(plugin, name=plugin.name)
    trial.check_pending()


def _faults(plugin: Plugin) -> Iterator[tuple[str, str]]:
    """What is wrong with the hooks of `plugin`, each with how to mend it."""
    manager = create_manager()
    known = {name for name in vars(hookspecs) if name.startswith(_PREFIX)}
    taken: dict[str, str] = {}
    for attribute in dir(type(plugin)):
        options = manager.parse_hookimpl_opts(plugin, attribute)
        if options is None:
            if _looks_like_hook(plugin, attribute):
                yield _unmarked(attribute, known)
            continue
        hook = options.get("specname") or attribute
        if hook in taken:
            yield f"{taken[hook]} and {attribute} both implement {hook}", "Join them in one method."
        taken[hook] = attribute
        if options.get("wrapper") or options.get("hookwrapper"):
            yield (
                f"{attribute} is a hook wrapper",
                "Remove wrapper=True: the host has no use for it.",
            )
        elif hook in known:
            yield from _signature_faults(hook, attribute, getattr(plugin, attribute))
        elif not options.get("optionalhook"):
            listed = f"The hooks are {', '.join(sorted(known))}."
            yield f"there is no hook {hook!r}", suggest(hook, known, listed)


def _looks_like_hook(plugin: Plugin, attribute: str) -> bool:
    static = inspect.getattr_static(type(plugin), attribute, None)
    return attribute.startswith(_PREFIX) and inspect.isroutine(static)


def _unmarked(attribute: str, known: set[str]) -> tuple[str, str]:
    if attribute in known:
        return f"{attribute} is not marked as a hook", f"Write @hookimpl above {attribute}."
    mend = suggest(attribute, known, f"Rename {attribute}.")
    return f"there is no hook {attribute!r}, and it is not marked with @hookimpl", mend


def _signature_faults(
    hook: str, attribute: str, function: Callable[..., Any]
) -> Iterator[tuple[str, str]]:
    offered = list(inspect.signature(getattr(hookspecs, hook)).parameters)
    signature = f"def {attribute}({', '.join(['self', *offered])})"
    wrong = [name for name in _asked_for(function) if name not in offered]
    if wrong:
        what = "argument" if len(wrong) == 1 else "arguments"
        reason = f"{attribute} asks for {what} {', '.join(wrong)}, which {hook} does not have"
        yield reason, f"Write {signature}."
    if hook not in hookspecs.ASYNC_HOOKS and _is_async(function):
        yield f"{attribute} is async, but {hook} is a plain hook", f"Write {signature}, no async."
    if hook in hookspecs.ASYNC_HOOKS and _is_generator(function):
        yield f"{attribute} has a yield, so it would never run", f"Write {signature}, no yield."


def _asked_for(function: Callable[..., Any]) -> list[str]:
    collecting = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    parameters = inspect.signature(function).parameters.values()
    return [parameter.name for parameter in parameters if parameter.kind not in collecting]


def _is_async(function: Callable[..., Any]) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)


def _is_generator(function: Callable[..., Any]) -> bool:
    return inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function)
