"""The commands about claims: list them, run one, make the page of all, keep a record. No logic."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from evolearn.cli.configs import completing
from evolearn.cli.study import study_run
from evolearn.cli.terminal import (
    Address,
    Commands,
    Log,
    RuntimeEnv,
    TimeLimit,
    Workers,
    at_terminal,
    drivers,
    expect_wait,
    prepare_cluster,
    print_line,
    shown,
)


class _Claims(Commands):
    """A group in which no command at all lists, and the name of a claim runs it."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if ctx.resilient_parsing and not args:  # a shell completes the first word
            args = ["run"]
        elif not args or (args[0].startswith("-") and args[0] not in ctx.help_option_names):
            args = ["list", *args]
        elif not args[0].startswith("-") and args[0] not in (*self.commands, "help"):
            args = ["run", *args]
        return super().parse_args(ctx, args)


claims_app = typer.Typer(
    cls=_Claims,
    help="The twenty claims: `evolearn claims` lists them, `evolearn claims NAME` runs one.",
)

Places = Annotated[
    list[Path] | None,
    typer.Argument(help="Study directories, or folders of them.", metavar="[DIRECTORY]...", show_default="runs"),
]


def _names() -> Iterable[str]:
    from evolearn.claims import claims

    return claims()


@claims_app.command("run")
def claims_run(
    name: Annotated[
        str,
        typer.Argument(
            help="Of a claim, such as wash-out; `evolearn claims` lists them.", autocompletion=completing(_names)
        ),
    ],
    overrides: Annotated[
        list[str] | None, typer.Argument(help="Settings that differ, for example seed=1.", metavar="[KEY=VALUE]...")
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="The version for a cluster.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only check, and estimate steps and minutes.")] = False,
    out: Annotated[
        Path | None, typer.Option(help="The study directory to make.", show_default="runs/study-NAME-N")
    ] = None,
    workers: Workers = None,
    address: Address = None,
    runtime_env: RuntimeEnv = None,
    seed: Annotated[
        int | None,
        typer.Option(min=0, max=2**32 - 1, help="Seed of the study, instead of the config's.", show_default=False),
    ] = None,
    time_limit: TimeLimit = None,
    log: Log = None,
) -> None:
    """Run the study that decides a claim: `evolearn claims NAME`."""
    with at_terminal():
        from evolearn.claims import find_claim

        study = find_claim(name).study_name(full)
    study_run(
        study,
        overrides,
        out=out,
        workers=workers,
        address=address,
        runtime_env=runtime_env,
        seed=seed,
        dry_run=dry_run,
        time_limit=time_limit,
        log=log,
    )


@claims_app.command("list")
def claims_list(
    places: Places = None,
    estimate: Annotated[
        bool, typer.Option("--estimate", help="Time a few lives of each study that was not measured: minutes.")
    ] = False,
    workers: Workers = None,
    address: Address = None,
    runtime_env: RuntimeEnv = None,
) -> None:
    """All claims, what each costs, and the last verdict that is found: `evolearn claims`."""
    with at_terminal() as console:
        if estimate:
            prepare_cluster(address)
            expect_wait(console)
        from evolearn.claims import estimated, kept_records, measured, standings
        from evolearn.cli.show_claims import print_claims, print_left_out

        rows, left_out = standings(places or [Path("runs")])
        print_left_out(console, left_out)
        costs = {name: measured(record) for name, record in kept_records().items()}
        if estimate:
            from evolearn.cli.show_study import StudyScreen
            from evolearn.study import run_configs

            for claim in (row.claim for row in rows if row.claim.is_shipped and row.claim.name not in costs):
                print_line(console, f"Timing {claim.study} ..")
                configs = run_configs(claim.config())
                with StudyScreen(console) as screen, drivers(screen, address, workers, runtime_env, configs) as here:
                    costs[claim.name] = estimated(claim, here)
        print_claims(console, rows, costs)


@claims_app.command("page")
def claims_page(
    places: Places = None,
    out: Annotated[Path, typer.Option(help="The file to write.")] = Path("claims.html"),
) -> None:
    """Make one page of all claims, from the studies that are found and the records that are kept."""
    with at_terminal() as console:
        expect_wait(console)
        from evolearn.claims import write_claims_page
        from evolearn.cli.show_claims import print_left_out

        rows, left_out = write_claims_page(out, places or [Path("runs")])
        print_left_out(console, left_out)
        found = sum(row.study is not None for row in rows)
        kept = sum(row.record is not None for row in rows) - found
        print_line(console, f"The page: {shown(out)}, of {found} studies and {kept} kept records; {len(rows)} claims")


@claims_app.command("keep")
def claims_keep(
    study: Annotated[Path, typer.Argument(help="A finished study of a claim, as it is shipped.", metavar="STUDY")],
    table: Annotated[
        Path | None,
        typer.Option(
            help="What the claim's command printed of the study with --markdown.", show_default="STUDY/tables.md"
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="The folder of records.", show_default="that of this evolearn")
    ] = None,
) -> None:
    """Keep what came of a claim's study as a record of a few kB."""
    with at_terminal() as console:
        expect_wait(console)
        from evolearn.claims import RECORDS, keep

        path, record = keep(study, table, out or RECORDS)
        print_line(console, record["sentence"])
        print_line(console, f"The record: {shown(path)}")


@claims_app.command("table")
def claims_markdown(
    into: Annotated[
        Path | None, typer.Option(help="A page in Markdown with marks for the table.", show_default="print it")
    ] = None,
) -> None:
    """The documentation's table of all claims, from the records that are kept."""
    with at_terminal() as console:
        from evolearn.claims import claims_table, put_into

        table = claims_table()
        if into is None:
            print_line(console, table)
        else:
            put_into(into, table)
            print_line(console, f"The table: {shown(into)}")
