"""Networks of runs as GraphML, which Gephi, igraph, networkx and others read: a file for each channel of each run."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from genai_social_sim.domain.visible import visible
from genai_social_sim.export import files
from genai_social_sim.export.society import TIDY
from genai_social_sim.export.source import Source
from genai_social_sim.export.tables import Cell

_ODD: Final = re.compile(r"[^\w.-]+")
_KINDS: Final = {kind.name: kind for kind in TIDY if kind.name in ("agents", "channels", "edges")}
_LEFT_OUT: Final = ("run", "channel", "agent", "attributes")
_OF_CHANNEL: Final = ("protocol", "act", "network", "opening_from", "window")


def write(sources: Source | Sequence[Source], out: Path) -> list[Path]:
    """Write the networks of some runs; what stands there from an earlier export is replaced.

    Nodes have the columns of table `agents`, edges those of table `edges`, from who is heard to who hears. A channel in
    which everybody hears everybody has nodes alone, and says so (`everybody`).

    Args:
        sources: The runs, each with a label of its own.
        out: The folder; it is made if need be.

    Returns:
        The files written, the codebook last.

    Raises:
        RequestError, RecordError, SocialSimError: As for `files.write`.
    """
    sources = [sources] if isinstance(sources, Source) else list(sources)
    files.check(sources)
    graphs = [(source, channel) for source in sources for channel in _KINDS["channels"].table(source).rows()]
    names = [*_names(graphs), *files.CODEBOOK]
    with files.drafts(out, names) as paths:
        for (source, channel), path in zip(graphs, paths, strict=False):
            _write(source, channel, path)
        files.write_codebook([*_KINDS.values()], *paths[-2:])
    return [out / name for name in names]


def _names(graphs: Sequence[tuple[Source, Mapping[str, Cell]]]) -> Iterator[str]:
    """A file name for each, made of the run's label and the channel's name, whatever characters they have."""
    taken: set[str] = set()
    for source, channel in graphs:
        name = stem = f"{_ODD.sub('_', source.run)}.{_ODD.sub('_', str(channel['channel']))}"
        number = 1
        while name.casefold() in taken:
            number += 1
            name = f"{stem}-{number}"
        taken.add(name.casefold())
        yield f"{name}.graphml"


def _write(source: Source, channel: Mapping[str, Cell], path: Path) -> None:
    import networkx

    edges = [row for row in _KINDS["edges"].table(source) if row["channel"] == channel["channel"]]
    members = set(json.loads(str(channel["members"])))
    kind = networkx.MultiDiGraph if any(row["directed"] for row in edges) else networkx.MultiGraph
    graph = kind(
        run=_shown(source.run),
        channel=_shown(str(channel["channel"])),
        everybody=channel["network"] is None,
        **_attributes({name: channel[name] for name in _OF_CHANNEL}),
    )
    for row in _KINDS["agents"].table(source):
        if row["agent"] in members:
            graph.add_node(_shown(str(row["agent"])), **_attributes(row))
    for row in edges:
        ends = [_shown(str(row[end])) for end in ("speaker", "listener")]
        graph.add_edge(*ends, **_attributes({key: row[key] for key in row if key not in ("speaker", "listener")}))
    networkx.write_graphml(_simple(graph), path, named_key_ids=True)


def _simple(graph: Any) -> Any:
    """Without parallel edges a graph is a plain one, which more programs read."""
    import networkx

    if any(key for _, _, key in graph.edges(keys=True)):
        return graph  # an edge that went and came back
    return networkx.DiGraph(graph) if graph.is_directed() else networkx.Graph(graph)


def _attributes(cells: Mapping[str, Cell]) -> dict[str, Any]:
    """Those that have a value; GraphML knows no missing ones."""
    return {
        name: _shown(cell) if isinstance(cell, str) else cell
        for name, cell in cells.items()
        if cell is not None and name not in _LEFT_OUT
    }


def _shown(text: str) -> str:
    """With control characters written out, which XML does not allow."""
    return visible(text, keep="\n\t")
