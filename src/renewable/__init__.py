"""Shared vocabulary: settings, registry, raw-file contract, windows, errors. No step of the pipeline is done here."""


def __getattr__(name: str) -> str:
    """`__version__`, of the installed package; read when it is asked for, as every command begins here."""
    if name == "__version__":
        from importlib.metadata import version

        return version("renewable")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
