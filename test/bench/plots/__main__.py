"""scripts/bench plot and budgets, and `cycles`, which runs terminus-bench for scripts/bench."""

import argparse
import json
import pathlib
import signal
import sys

from . import budgets, charts, cycles, files


def write(content, folder, name=""):
    """Writes the pictures of a result that has just been made; the names of the files."""
    return _write(files.check(content), folder, name)


def _write(result, folder, name):
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for each, picture in charts.of_result(result).items():
        path = folder / f"{name}{each}"
        path.write_text(picture, encoding="utf-8")
        written.append(path)
    return written


def plot(options):
    results = [(path, files.read(path)) for path in options.files]
    stems = [path.stem for path in options.files]
    if len(set(stems)) != len(stems):
        raise files.NotOurs("two of the files have the same name, and so would their pictures")
    written = []
    for path, result in results:
        made = _write(result, options.out, f"{path.stem}-" if len(results) > 1 else "")
        if not made:
            raise files.NotOurs(f"{path}: nothing in it that there is a picture of")
        written += made
    print("\n".join(map(str, written)))
    return 0


def show_budgets(options):
    for path in options.files:
        result = files.read(path)
        if result.kind != "cycles":
            raise files.NotOurs(f"{path}: a result of {result.kind}, which DESIGN has no budgets for")
        print((budgets.markdown if options.markdown else budgets.text)(result))
    return 0


def run_cycles(program, words):
    """terminus-bench with `words`, of which --json and --plots are ours."""
    parser = argparse.ArgumentParser(prog="scripts/bench", add_help=False, allow_abbrev=False)
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--plots", type=pathlib.Path)
    ours, rest = parser.parse_known_args(words)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))  # terminus-bench ends with us
    try:
        status, result = cycles.run(program, rest)
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    if not result:
        return status
    if len(result["settings"]["runs"]) > 1:
        print(f"\n{budgets.text(files.check(result))}")
    if ours.json:
        ours.json.write_text(json.dumps(result, indent=1) + "\n")
    if ours.plots:
        print("\n".join(map(str, write(result, ours.plots))))
    return status


def main(words):
    if words[:1] == ["cycles"]:
        return run_cycles(words[1], words[2:])
    parser = argparse.ArgumentParser(prog="scripts/bench", description="What the benchmarks' JSON files say; docs/benchmarks.md.")
    commands = parser.add_subparsers(dest="command", required=True)
    of_plot = commands.add_parser("plot", help="as SVG")
    of_plot.add_argument("--out", type=pathlib.Path, metavar="DIR", default=pathlib.Path("."), help="where the pictures go (here)")
    of_plot.set_defaults(do=plot)
    of_budgets = commands.add_parser("budgets", help="beside the budgets of DESIGN 6")
    of_budgets.add_argument("--markdown", action="store_true", help="as Markdown, the machine named")
    of_budgets.set_defaults(do=show_budgets)
    for command in (of_plot, of_budgets):
        command.add_argument("files", nargs="+", type=pathlib.Path, metavar="FILE.json", help="what --json has written")
    options = parser.parse_args(words)
    try:
        return options.do(options)
    except (files.NotOurs, OSError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
