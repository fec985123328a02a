"""The command that exports a brain. No logic, and no heavy imports outside of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from evolearn.cli.terminal import at_terminal, enter_portable_mode_for


def export_command(
    dna: Annotated[
        Path,
        typer.Argument(help="A run directory, whose centre is taken; or a DNA file.", metavar="RUN|DNA"),
    ],
    to: Annotated[
        Path, typer.Option(help="The file to write: .safetensors, .pt, .pth or .onnx.", metavar="FILE", dir_okay=True)
    ],
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it is there.")] = False,
) -> None:
    """Write the brain that evolution wrote to a file that torch, or ONNX Runtime, reads without evolearn."""
    with at_terminal() as console:
        enter_portable_mode_for(dna)
        from evolearn.export import export, loading_code
        from evolearn.run import load_dna

        read = load_dna(dna)
        exported = export(read, to, force)
        weights = sum(tensor.numel() for tensor in exported.tensors.values())
        verb = "Replaced" if exported.replaced else "Wrote"
        console.print(
            Text(
                f"{verb} {to}: the brain that {read.path} is born with ({read.role}, generation {read.generation}, "
                f"world {read.world}), {weights} weights"
            ),
            soft_wrap=True,
        )
        for name, tensor in exported.tensors.items():
            console.print(Text(f"  {name:<16} {list(tensor.shape)}"), soft_wrap=True)
        console.print(Text(f"An action of it: {exported.description['outputs']['policy']}."), soft_wrap=True)
        console.print(Text(f"Between it and its world: {exported.description['conversion']}."), soft_wrap=True)
        console.print("To load it:\n")
        console.print(Text(loading_code(read, to)), soft_wrap=True)
