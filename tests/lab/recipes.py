"""The image table (``images.toml``) and the build context of each image."""

import hashlib
import io
import json
import re
import tarfile
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent
_STAND_IN_BASE = "aiserver-lab/standin:1"


@dataclass(frozen=True)
class Recipe:
    """How one image of the registry is made.

    Attributes:
        name: Repository and tag as the catalog writes them.
        what: ``real``, ``older``, ``stand-in``, or empty for a layer that others start from.
        note: What is inside.
        files: The build context, path to content and mode; the Dockerfile among them.
        archive: Name of the archive from the host that the Dockerfile adds, or empty.
        archive_settings: How that archive is made; ``maker`` says by what.
        parents: The recipes that its Dockerfile starts from.
    """

    name: str
    what: str
    note: str
    files: Mapping[str, tuple[bytes, int]]
    archive: str
    archive_settings: Mapping[str, Any]
    parents: tuple["Recipe", ...]

    @cached_property
    def hash(self) -> str:
        """Changes with anything that the image is made from, save the registries' content."""
        digest = hashlib.sha256(json.dumps(self.archive_settings, sort_keys=True).encode())
        for path, (content, mode) in sorted(self.files.items()):
            digest.update(f"\n{path} {mode:o} {len(content)}\n".encode() + content)
        for parent in self.parents:
            digest.update(parent.hash.encode())
        return digest.hexdigest()[:16]

    def write_context(self, target: io.BufferedIOBase, archive: Path | None) -> None:
        """Writes the build context as a tar archive, with the archive from the host in it."""
        with tarfile.open(fileobj=target, mode="w") as tar:
            for path, (content, mode) in self.files.items():
                entry = tarfile.TarInfo(path)
                entry.size, entry.mode = len(content), mode
                tar.addfile(entry, io.BytesIO(content))
            if archive is not None:
                tar.add(archive, arcname=archive.name)


def load_recipes(table: Path = _HERE / "images.toml") -> dict[str, Recipe]:
    """All recipes by image name, each after the ones it starts from."""
    content = tomllib.loads(table.read_text())
    entries = {entry["name"]: entry for entry in content["image"]}
    recipes: dict[str, Recipe] = {}
    for name, entry in entries.items():
        source = entries[entry["same"]] if "same" in entry else entry
        stand_in = source.get("standin")
        files = (
            _folder(_HERE / "images" / source["recipe"], source.get("with", {}))
            if stand_in is None
            else _stand_in_files(stand_in, content["published"]["values"])
        )
        archive = source.get("archive", "")
        recipes[name] = Recipe(
            name=name,
            what=source.get("what", "" if stand_in is None else "stand-in"),
            note=source.get("note", ""),
            files=files,
            archive=archive,
            archive_settings=_archive(archive, content) if archive else {},
            parents=tuple(recipes[parent] for parent in _parents(files["Dockerfile"][0].decode())),
        )
    return recipes


def _archive(name: str, content: Mapping[str, Any]) -> dict[str, Any]:
    own = content["archive"][name]
    return {**content["maker"].get(own["maker"], {}), **own}


def _folder(folder: Path, words: Mapping[str, str]) -> dict[str, tuple[bytes, int]]:
    files = {
        str(path.relative_to(folder)): (path.read_bytes(), 0o755 if path.suffix == ".sh" else 0o644)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }
    dockerfile, mode = files["Dockerfile"]
    for word, value in words.items():
        dockerfile = dockerfile.replace(f"@{word}@".encode(), value.encode())
    return files | {"Dockerfile": (dockerfile, mode)}


def _parents(dockerfile: str) -> list[str]:
    return [name for name in re.findall(r"(?m)^FROM (\S+)", dockerfile) if name != "scratch"]


def _stand_in_files(spec: dict[str, Any], published: list[str]) -> dict[str, tuple[bytes, int]]:
    seeds = {
        f"files{path}": (content.encode(), 0o644) for path, content in spec.get("files", {}).items()
    }
    return {
        "Dockerfile": ("\n".join(_stand_in_dockerfile(spec)).encode(), 0o644),
        "standin.json": (json.dumps({**spec, "published": published}).encode(), 0o644),
        **seeds,
    }


def _stand_in_dockerfile(spec: dict[str, Any]) -> Iterator[str]:
    yield f"FROM {_STAND_IN_BASE}"
    if spec.get("files"):
        yield "COPY files/ /"
    user, volumes = spec.get("user", "0:0"), spec.get("volumes", [])
    owned = [*spec.get("owns", []), *volumes]
    steps = [f"install -d -o {user.split(':')[0]} -g {user.split(':')[1]} {v}" for v in owned]
    if spec.get("celery"):
        steps.append("install -m 755 /usr/local/bin/celery.py /usr/bin/celery")
    if spec.get("migrates"):
        steps.append("install -m 755 /usr/local/bin/migration.py /usr/bin/flask")
    steps += [f"rm -f /usr/bin/{tool} /bin/{tool}" for tool in spec.get("lacks", [])]
    steps += [f"ln -sf /bin/busybox /bin/{tool}" for tool in spec.get("busybox", [])]
    if "program" in spec:
        steps.append(f"ln -s /usr/local/bin/standin {spec['program']}")
    if steps:
        yield "RUN " + " && ".join(steps)
    yield "COPY standin.json /etc/standin.json"
    yield f"EXPOSE {' '.join(spec['ports'])}"
    yield f"WORKDIR {spec.get('workdir', '/')}"
    yield f"USER {user}"
    if volumes:
        yield f"VOLUME {json.dumps(volumes)}"
