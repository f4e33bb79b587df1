"""The blocks of a page: shell commands, and commands with what they print.

    ```sh
    npx cdk deploy
    ```

    ```console
    $ s3leader status nightly        # exit code 3
    election   nightly
    ```

What a command prints is compared with the page word by word, without what differs from run to run:
times, durations, ids, and the borders of tables. After a change of a command,
`UPDATE_PAGES=1 pytest tests/local_cloud/test_operating.py` rewrites the page with what the commands
print now; read the difference before you commit it.
"""

import re
from collections import Counter
from dataclasses import dataclass
from typing import TypeAlias

Place: TypeAlias = tuple[str, int]
"""A heading, and the number of a block under it, counted from 1."""

_BLOCK = re.compile(r"^```(sh|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"\s+# exit code (\d+)$")
_VARIES = (
    r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d+)?Z?",
    r"\d\d:\d\d:\d\dZ?",
    r"-?\d+(?:\.\d+)? ?(?:ms|s|min|h|d|days?|seconds|minutes|hours)\b(?: ago)?",
    r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){0,3}(?:-[0-9a-f]{12})?(?:/[0-9a-f]{8})?\b",
    r"[┃│━─┏┳┓┡╇┩└┴┘├┼┤╭╮╰╯]+",
)


@dataclass(frozen=True)
class Printed:
    """A command, its exit code, and what it prints."""

    command: str
    code: int
    output: str


@dataclass(frozen=True)
class Block:
    """One block: its text, and whether it shows what its commands print."""

    text: str
    shows_output: bool

    def commands(self) -> list[Printed]:
        """Return the commands of a block that shows output."""
        found = []
        for text in re.split(r"^\$ ", self.text, flags=re.MULTILINE)[1:]:
            line, _, output = text.partition("\n")
            code = _CODE.search(line)
            command = _CODE.sub("", line)
            found.append(Printed(command, int(code[1]) if code else 0, output))
        return found


def blocks(text: str) -> dict[Place, Block]:
    """Return a page's blocks, in order."""
    return {
        (section.partition("\n")[0], number): Block(found, kind == "console")
        for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]
        for number, (kind, found) in enumerate(_BLOCK.findall(section), 1)
    }


def words(output: str) -> Counter[str]:
    """Return the words of an output that do not differ from run to run."""
    for pattern in _VARIES:
        output = re.sub(pattern, " ", output)
    return Counter(output.split())


def shown(printed: list[Printed]) -> str:
    """Return the text of a block that shows these commands and outputs."""
    lines = []
    for each in printed:
        code = f"        # exit code {each.code}" if each.code else ""
        lines.append(f"$ {each.command}{code}")
        lines += [line.rstrip() for line in each.output.splitlines()]
    return "\n".join(lines) + "\n"
