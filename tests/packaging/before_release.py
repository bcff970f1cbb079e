"""Whether what is about to be published is what its tag says.

It needs no package: `python -m tests.packaging.before_release v1.2.3 https://host/owner/name`.
"""

from __future__ import annotations

import re
import sys

from tests.packaging import project


def obstacles(tag: str, address: str) -> list[str]:
    """Each reason not to publish, and what to do about it; none if all is well."""
    version = project.version()
    change = project.newest_change()
    found: list[str] = []
    if tag != f"v{version}":
        found.append(
            f"the tag is {tag}, but Cargo.toml says {version}: tag v{version}, or change it"
        )
    if not re.fullmatch(rf"{re.escape(version)} - \d{{4}}-\d\d-\d\d", change):
        wanted = f"'## {version} - YEAR-MONTH-DAY'"
        found.append(f"CHANGELOG.md begins with '## {change}': give its changes the title {wanted}")
    if address != project.repository():
        named = project.repository()
        found.append(
            f"this is {address}, but Cargo.toml and pyproject.toml name {named}: fill it in"
        )
    return found


def main() -> None:
    """Ends with 1, and says why, if it must not be published."""
    if len(sys.argv) != 3:
        sys.exit("usage: python -m tests.packaging.before_release TAG REPOSITORY-URL")
    if found := obstacles(*sys.argv[1:]):
        sys.exit("\n".join(found))
    print(f"clnwire {project.version()} can be published")


if __name__ == "__main__":
    main()
