"""How a measurement is printed: a step against its reference."""


def row(step: str, seconds: float | str, reference: str, reference_s: float | str, ratio: str = "") -> None:
    """Print one line; the ratio where both are seconds."""
    if isinstance(seconds, float) and isinstance(reference_s, float):
        ratio, seconds, reference_s = f"{seconds / reference_s:.2f}", f"{seconds:.2f}", f"{reference_s:.2f}"
    print(f"{step:<22}{seconds:>8}   {reference:<32}{reference_s:>8}{ratio:>8}")
