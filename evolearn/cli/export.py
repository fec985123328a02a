"""The command that exports a brain. No logic, and no heavy imports outside of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from evolearn.cli.opening import open_dna
from evolearn.cli.terminal import Trust, at_terminal, naming, print_line


def export_command(
    dna: Annotated[
        Path,
        typer.Argument(
            help="A run directory, whose centre is taken, finished or not; a DNA file; or a name in the zoo: zoo/foal.",
            metavar="RUN|DNA",
        ),
    ],
    to: Annotated[
        Path, typer.Option(help="The file to write: .safetensors, .pt, .pth or .onnx.", metavar="FILE", dir_okay=True)
    ],
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it is there.")] = False,
    trust: Trust = False,
) -> None:
    """Write the brain that evolution wrote to a file that torch, or ONNX Runtime, reads without evolearn."""
    with at_terminal() as console, naming(console, dna, trust):
        from evolearn.export import export, loading_code
        from evolearn.run import why_not_over

        [read] = open_dna(console, dna, admit=False)
        exported = export(read, to, force)
        weights = sum(tensor.numel() for tensor in exported.tensors.values())
        verb = "Replaced" if exported.replaced else "Wrote"
        print_line(
            console,
            f"{verb} {to}: the brain that {read.path} is born with ({read.role}, generation {read.generation}, "
            f"world {read.world}), {weights} weights",
        )
        if not_over := why_not_over(read):
            print_line(console, f"{not_over}.", "yellow")
        for name, tensor in exported.tensors.items():
            print_line(console, f"  {name:<16} {list(tensor.shape)}")
        print_line(console, f"An action of it: {exported.description['outputs']['policy']}.")
        print_line(console, f"Between it and its world: {exported.description['conversion']}.")
        console.print("To load it:\n")
        print_line(console, loading_code(read, to))
